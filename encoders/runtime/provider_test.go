package runtime

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/onnx"
)

func TestProviderSettings(t *testing.T) {
	f := func(provider Provider, want string) {
		t.Helper()
		settings, err := provider.settings()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			got = append(got, key+"="+settings[key])
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("settings %s", text)
		}
	}
	f(CPU{}, "")
	f(CUDA{}, "device_id=0")
	f(CUDA{Device: 1, Memory: 1 << 30, Exact: true, ConvolutionSearch: "HEURISTIC"},
		"arena_extend_strategy=kSameAsRequested cudnn_conv_algo_search=HEURISTIC device_id=1 gpu_mem_limit=1073741824")
	f(TensorRT{}, "device_id=0")
	f(TensorRT{Cache: "/c", Timing: "/t", Half: true, Effort: 3, Workspace: 5, Shapes: []ShapeRange{
		{"image", []int64{1, 3, 4, 4}, []int64{8, 3, 4, 4}, []int64{8, 3, 4, 4}}, {"size", []int64{1}, []int64{2}, []int64{3}},
	}}, "device_id=0 trt_builder_optimization_level=3 trt_engine_cache_enable=1 trt_engine_cache_path=/c trt_fp16_enable=1 trt_max_workspace_size=5 "+
		"trt_profile_max_shapes=image:8x3x4x4,size:3 trt_profile_min_shapes=image:1x3x4x4,size:1 trt_profile_opt_shapes=image:8x3x4x4,size:2 "+
		"trt_timing_cache_enable=1 trt_timing_cache_path=/t")
}

func TestWrongProviderSettings(t *testing.T) {
	f := func(want string, provider Provider) {
		t.Helper()
		if _, err := provider.settings(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	shape := func(input string, least, best, most []int64) Provider {
		return TensorRT{Shapes: []ShapeRange{{input, least, best, most}}}
	}
	f("EXHAUSTIVE, HEURISTIC and DEFAULT", CUDA{ConvolutionSearch: "fast"})
	f(`cannot name input "a:0"`, shape("a:0", []int64{1}, []int64{1}, []int64{1}))
	f(`cannot name input ""`, shape("", []int64{1}, []int64{1}, []int64{1}))
	f("different rank", shape("a", []int64{1}, []int64{1, 2}, []int64{1}))
	f("different rank", shape("a", nil, nil, nil))
	f("not in order", shape("a", []int64{0}, []int64{1}, []int64{1}))
	f("not in order", shape("a", []int64{2}, []int64{1}, []int64{3}))
	f("not in order", shape("a", []int64{1}, []int64{4}, []int64{3}))
}

// TestProviderThatIsNotThere runs wherever there is no GPU: the error names what
// is missing and what to do, and the next provider serves.
func TestProviderThatIsNotThere(t *testing.T) {
	if found, _ := GPUs(); len(found) > 0 {
		t.Skip("this machine has a GPU")
	}
	library := load(t)
	path := write(t, marshal(t, convolution(onnx.Float32, false)))
	f := func(provider Provider) {
		t.Helper()
		_, err := library.Open(path, Options{Providers: []Provider{provider, CPU{}}})
		var problem *ProviderError
		if !errors.As(err, &problem) || problem.Provider != provider.Name() {
			t.Fatalf("error %v", err)
		}
		if problem.Remedy == "" || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "libonnxruntime_providers_"+provider.Name()+".so") {
			t.Errorf("error %v", err)
		}
		t.Log(err)
	}
	f(TensorRT{})
	f(CUDA{})
	session, refused, err := library.OpenAny(path, Options{Providers: []Provider{TensorRT{}, CUDA{}, CPU{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if len(refused) != 2 || refused[0].Provider != "tensorrt" || refused[1].Provider != "cuda" {
		t.Errorf("refused %v", refused)
	}
}

// TestMissingLibrariesAreListed needs a CUDA provider as ONNX Runtime ships it,
// of any version, and a machine without its libraries.
func TestMissingLibrariesAreListed(t *testing.T) {
	library := load(t)
	file := library.folder() + "/libonnxruntime_providers_cuda.so"
	if _, err := os.Stat(file); err != nil {
		t.Skip("no CUDA provider beside " + library.Path + ": set " + Environment + " to a library that has one")
	}
	missing := missingLibraries(file)
	if len(missing) == 0 {
		t.Skip("nothing is missing here")
	}
	_, err := library.Open(write(t, marshal(t, convolution(onnx.Float32, false))), Options{Providers: []Provider{CUDA{}}})
	var problem *ProviderError
	if !errors.As(err, &problem) || !slices.Equal(problem.Missing, missing) || !strings.Contains(err.Error(), strings.Join(missing, ", ")) {
		t.Errorf("error %v", err)
	}
}

// TestErrorsOfASession is about what ONNX Runtime says when a session is made.
func TestErrorsOfASession(t *testing.T) {
	library := &Library{Path: "/nowhere/libonnxruntime.so.1", Version: "1.23.0"}
	f := func(text, provider string) {
		t.Helper()
		err := library.explain(errors.New(text), "/cuda/model.onnx", &model{}, []Provider{TensorRT{}, CUDA{}, CPU{}})
		var problem *ProviderError
		if found := errors.As(err, &problem); found != (provider != "") || found && problem.Provider != provider {
			t.Errorf("%s: %v", text, err)
		}
	}
	f("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version", "cuda")
	f("TensorRT EP could not build engine for fused node", "tensorrt")
	f("Load model from /cuda/model.onnx failed: Protobuf parsing failed", "")
}

func TestMappedFiles(t *testing.T) {
	load(t)
	if path := mapped("libonnxruntime"); !strings.HasPrefix(path, "/") {
		t.Errorf("library is mapped from %q", path)
	}
	if path := mapped("libabsent"); path != "" {
		t.Errorf("a library that is not there is mapped from %q", path)
	}
}
