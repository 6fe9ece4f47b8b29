package runtime

import (
	"fmt"
	"strconv"
	"strings"
)

// Provider is a way to run a model: a TensorRT, CUDA or CPU value.
type Provider interface {
	// Name is "tensorrt", "cuda" or "cpu".
	Name() string
	// settings are ONNX Runtime's own, by its keys.
	settings() (map[string]string, error)
}

var (
	_ Provider = TensorRT{}
	_ Provider = CUDA{}
	_ Provider = CPU{}
)

// CPU is ONNX Runtime's own code, always there: a session puts on it what no
// provider before it takes.
type CPU struct{}

// Name is "cpu".
func (CPU) Name() string { return "cpu" }

func (CPU) settings() (map[string]string, error) { return nil, nil }

// CUDA runs each operator on an NVIDIA GPU.
type CUDA struct {
	Device int
	// Memory is how many bytes the session's arena may take on the device; 0 is
	// no limit. cuDNN and the CUDA context take more beside it.
	Memory int64
	// Exact grows the arena by what is asked for, not by doubling.
	Exact bool
	// ConvolutionSearch is how cuDNN's algorithm for a convolution is found:
	// "EXHAUSTIVE" (which is what "" means: each shape's first run is slow and
	// takes much memory), "HEURISTIC" or "DEFAULT".
	ConvolutionSearch string
}

// Name is "cuda".
func (CUDA) Name() string { return "cuda" }

func (c CUDA) settings() (map[string]string, error) {
	settings := map[string]string{"device_id": strconv.Itoa(c.Device)}
	if c.Memory > 0 {
		settings["gpu_mem_limit"] = strconv.FormatInt(c.Memory, 10)
	}
	if c.Exact {
		settings["arena_extend_strategy"] = "kSameAsRequested"
	}
	switch c.ConvolutionSearch {
	case "":
	case "EXHAUSTIVE", "HEURISTIC", "DEFAULT":
		settings["cudnn_conv_algo_search"] = c.ConvolutionSearch
	default:
		return nil, fmt.Errorf("convolution search %q is none of EXHAUSTIVE, HEURISTIC and DEFAULT", c.ConvolutionSearch)
	}
	return settings, nil
}

// TensorRT compiles what it can of a graph into engines for one kind of GPU when
// the session is opened, which takes seconds to minutes unless Cache holds them.
type TensorRT struct {
	Device int
	// Cache is a folder for engines, Timing one for the timings that building
	// them takes from each other; both must exist, "" keeps none. EngineKey names
	// the first.
	Cache, Timing string
	// Half lets an engine calculate in float16.
	Half bool
	// Shapes are the sizes that engines are built for; inputs of other sizes make
	// TensorRT build again in the middle of a run. Either none or every input of
	// the model that has a dynamic side.
	Shapes []ShapeRange
	// Effort is the builder's optimisation level, 1 (quick build) to 5; 0 is
	// TensorRT's own choice.
	Effort int
	// Workspace is how many bytes of device memory an engine may take to
	// calculate in; 0 is no limit.
	Workspace int64
}

// ShapeRange is the sizes that one input may have, and the one to tune for.
type ShapeRange struct {
	Input             string
	Min, Optimum, Max []int64
}

// Name is "tensorrt".
func (TensorRT) Name() string { return "tensorrt" }

func (t TensorRT) settings() (map[string]string, error) {
	settings := map[string]string{"device_id": strconv.Itoa(t.Device)}
	if t.Cache != "" {
		settings["trt_engine_cache_enable"] = "1"
		settings["trt_engine_cache_path"] = t.Cache
	}
	if t.Timing != "" {
		settings["trt_timing_cache_enable"] = "1"
		settings["trt_timing_cache_path"] = t.Timing
	}
	if t.Half {
		settings["trt_fp16_enable"] = "1"
	}
	if t.Effort != 0 {
		settings["trt_builder_optimization_level"] = strconv.Itoa(t.Effort)
	}
	if t.Workspace > 0 {
		settings["trt_max_workspace_size"] = strconv.FormatInt(t.Workspace, 10)
	}
	return settings, t.profile(settings)
}

// profile adds the shapes, each as name:1x3x224x224.
func (t TensorRT) profile(settings map[string]string) error {
	var least, best, most []string
	for _, shape := range t.Shapes {
		if err := shape.check(); err != nil {
			return err
		}
		least = append(least, shape.Input+":"+sides(shape.Min))
		best = append(best, shape.Input+":"+sides(shape.Optimum))
		most = append(most, shape.Input+":"+sides(shape.Max))
	}
	if len(least) > 0 {
		settings["trt_profile_min_shapes"] = strings.Join(least, ",")
		settings["trt_profile_opt_shapes"] = strings.Join(best, ",")
		settings["trt_profile_max_shapes"] = strings.Join(most, ",")
	}
	return nil
}

func (s ShapeRange) check() error {
	if s.Input == "" || strings.ContainsAny(s.Input, ":,") {
		return fmt.Errorf("a TensorRT profile cannot name input %q", s.Input)
	}
	if len(s.Min) == 0 || len(s.Min) != len(s.Optimum) || len(s.Min) != len(s.Max) {
		return fmt.Errorf("profile of input %q has shapes of different rank: %v, %v, %v", s.Input, s.Min, s.Optimum, s.Max)
	}
	for i := range s.Min {
		if s.Min[i] < 1 || s.Min[i] > s.Optimum[i] || s.Optimum[i] > s.Max[i] {
			return fmt.Errorf("profile of input %q is not in order: %v, %v, %v", s.Input, s.Min, s.Optimum, s.Max)
		}
	}
	return nil
}

func sides(shape []int64) string {
	words := make([]string, len(shape))
	for i, side := range shape {
		words[i] = strconv.FormatInt(side, 10)
	}
	return strings.Join(words, "x")
}

// shortName turns ONNX Runtime's name of a provider into ours.
func shortName(name string) string {
	switch name {
	case "TensorrtExecutionProvider":
		return "tensorrt"
	case "CUDAExecutionProvider":
		return "cuda"
	case "CPUExecutionProvider":
		return "cpu"
	}
	return name
}

// ProviderError says why a provider cannot run models on this machine.
type ProviderError struct {
	Provider string   // "tensorrt" or "cuda"
	Reason   string   // one line
	Missing  []string // shared libraries that the loader does not find
	Remedy   string   // what to install, or ""
}

func (e *ProviderError) Error() string {
	text := "provider " + e.Provider + ": " + e.Reason
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}
