package runtime

import (
	"context"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// Port is one input or output of a model, as its graph declares it.
type Port struct {
	Name string
	Type string  // "float32", "uint8", …
	Dims []int64 // -1: any size
}

// Options say how a session runs.
type Options struct {
	// Threads that one run may use; 0 means 1. Several sessions share the cores
	// of a small machine, so spinning while idle is always off.
	Threads int
}

// Session is one loaded model. Runs may overlap; each then takes its own memory.
type Session struct {
	Inputs  []Port
	Outputs []Port
	session *ort.DynamicAdvancedSession
}

// Open loads the model in a file.
func (l *Library) Open(path string, options Options) (*Session, error) {
	settings, err := settings(options)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	defer settings.Destroy()
	session := &Session{}
	if err := session.describe(path); err != nil {
		return nil, fmt.Errorf("model %s: %s", path, oneLine(err))
	}
	session.session, err = ort.NewDynamicAdvancedSession(path, names(session.Inputs), names(session.Outputs), settings)
	if err != nil {
		return nil, fmt.Errorf("model %s: %s", path, oneLine(err))
	}
	return session, nil
}

func settings(options Options) (*ort.SessionOptions, error) {
	settings, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	for _, set := range []func() error{
		func() error { return settings.SetIntraOpNumThreads(max(1, options.Threads)) },
		func() error { return settings.SetInterOpNumThreads(1) },
		func() error { return settings.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll) },
		func() error { return settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		func() error { return settings.SetLogSeverityLevel(ort.LoggingLevelError) },
	} {
		if err := set(); err != nil {
			settings.Destroy()
			return nil, err
		}
	}
	return settings, nil
}

// describe reads the ports. The binding can only do so through a session of its
// own, so that one is made without any optimisation: it costs the reading alone.
func (s *Session) describe(path string) error {
	plain, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	defer plain.Destroy()
	if err := plain.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll); err != nil {
		return err
	}
	if err := plain.SetLogSeverityLevel(ort.LoggingLevelError); err != nil {
		return err
	}
	inputs, outputs, err := ort.GetInputOutputInfoWithOptions(path, plain)
	s.Inputs, s.Outputs = ports(inputs), ports(outputs)
	return err
}

var typeNames = map[ort.TensorElementDataType]string{
	ort.TensorElementDataTypeFloat:   "float32",
	ort.TensorElementDataTypeFloat16: "float16",
	ort.TensorElementDataTypeUint8:   "uint8",
	ort.TensorElementDataTypeInt8:    "int8",
	ort.TensorElementDataTypeInt32:   "int32",
	ort.TensorElementDataTypeInt64:   "int64",
	ort.TensorElementDataTypeBool:    "bool",
}

func ports(infos []ort.InputOutputInfo) []Port {
	var ports []Port
	for _, info := range infos {
		name := typeNames[info.DataType]
		if name == "" {
			name = info.DataType.String()
		}
		ports = append(ports, Port{info.Name, name, info.Dimensions})
	}
	return ports
}

func names(ports []Port) []string {
	var names []string
	for _, port := range ports {
		names = append(names, port.Name)
	}
	return names
}

// Close frees the model; no run may be under way or follow.
func (s *Session) Close() error { return s.session.Destroy() }

// Run runs the model on inputs in the order of s.Inputs and returns its outputs
// in the order of s.Outputs. A context that ends stops the run between two
// operators; the error is then the context's.
func (s *Session) Run(ctx context.Context, inputs ...Tensor) ([]Tensor, error) {
	if len(inputs) != len(s.Inputs) {
		return nil, fmt.Errorf("model takes %d inputs, not %d", len(s.Inputs), len(inputs))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values := make([]ort.Value, 0, len(inputs))
	defer func() { destroy(values) }()
	for i, input := range inputs {
		value, err := input.value()
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", s.Inputs[i].Name, err)
		}
		values = append(values, value)
	}
	results := make([]ort.Value, len(s.Outputs))
	defer func() { destroy(results) }()
	if err := s.run(ctx, values, results); err != nil {
		return nil, err
	}
	outputs := make([]Tensor, len(results))
	for i, result := range results {
		var err error
		if outputs[i], err = fromValue(result); err != nil {
			return nil, fmt.Errorf("output %q: %w", s.Outputs[i].Name, err)
		}
	}
	return outputs, nil
}

// run turns the end of the context into the runtime's own way to stop.
func (s *Session) run(ctx context.Context, inputs, results []ort.Value) error {
	options, err := ort.NewRunOptions()
	if err != nil {
		return err
	}
	defer options.Destroy()
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = options.Terminate()
	})
	err = s.session.RunWithOptions(inputs, results, options)
	if !stop() {
		<-stopped // options must outlive the call above
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("model: %s", oneLine(err))
	}
	return nil
}

func destroy(values []ort.Value) {
	for _, value := range values {
		if value != nil {
			_ = value.Destroy()
		}
	}
}
