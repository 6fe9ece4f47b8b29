package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	ort "github.com/yalue/onnxruntime_go"
)

// Port is one input or output of a model, as its graph declares it.
type Port struct {
	Name string
	Type string  // "float32", "float64", "float16", "uint8", "int8", "int32", "int64" or "bool"
	Dims []int64 // -1: any size; nil: the graph does not say

	symbols []string // names of the sides of any size
}

// Options say how a session runs.
type Options struct {
	// Providers to use, best first; none means CPU{}. Each takes what it can of
	// the graph and leaves the rest to those after it; the CPU is always the last.
	Providers []Provider
	// Threads that one run may use on the CPU; 0 means 1. Several sessions share
	// the cores of a small machine, so spinning while idle is always off.
	Threads int
	// Spin lets the threads of a run wait for its next operator without sleeping, and
	// stops that with the run: a twentieth of a training step that has the cores to
	// itself, much slower where it has not.
	Spin bool
	// Frugal asks the C heap for each tensor's memory anew rather than keep an
	// arena of the most that a run took: with the built-in picture graph at batch
	// 8 a third more time, a third to two thirds less memory.
	Frugal bool
	// Profile notes what each run does from the start, for Placement.
	Profile bool
}

// Session is one loaded model. Runs may overlap; each then takes its own memory.
// Keep to one size of batch a session: the arena holds blocks for every size that
// it has seen.
type Session struct {
	Inputs  []Port
	Outputs []Port

	api     api
	session *ort.DynamicAdvancedSession
	profile string // private folder that the profile goes to, or ""
}

// OpsetError says that a model needs a newer ONNX Runtime.
type OpsetError struct {
	Domain  string // "" is ONNX's own
	Opset   int64  // what the model uses
	Version string // the library's
}

func (e *OpsetError) Error() string {
	name := e.Domain
	if name == "" {
		name = "ai.onnx"
	}
	return fmt.Sprintf("uses opset %d of %s, which ONNX Runtime %s does not know: install a newer ONNX Runtime, or export the model with an older opset", e.Opset, name, e.Version)
}

// Open loads the model in a file. Besides a damaged model these are told apart: a
// *ProviderError for the first provider that cannot be used, and an *OpsetError.
func (l *Library) Open(path string, options Options) (*Session, error) {
	session, err := l.open(path, options)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return session, nil
}

// OpenAny opens a model with those of the providers that can be used, and also
// says why the others cannot.
func (l *Library) OpenAny(path string, options Options) (*Session, []*ProviderError, error) {
	var refused []*ProviderError
	options.Providers = slices.Clone(options.Providers)
	for {
		session, err := l.Open(path, options)
		var problem *ProviderError
		if !errors.As(err, &problem) {
			return session, refused, err
		}
		refused = append(refused, problem)
		options.Providers = slices.DeleteFunc(options.Providers, func(p Provider) bool { return p.Name() == problem.Provider })
	}
}

func (l *Library) open(path string, options Options) (*Session, error) {
	read, err := readModel(path)
	if err != nil {
		return nil, err
	}
	if err := read.check(filepath.Dir(path)); err != nil {
		return nil, err
	}
	session := &Session{Inputs: read.inputs, Outputs: read.outputs, api: l.api}
	if options.Profile {
		if session.profile, err = os.MkdirTemp("", "vsed-profile-"); err != nil {
			return nil, err
		}
	}
	settings, err := l.settings(options, session.profile)
	if err != nil {
		return nil, errors.Join(err, session.removeProfile())
	}
	defer settings.Destroy()
	session.session, err = ort.NewDynamicAdvancedSession(path, names(session.Inputs), names(session.Outputs), settings)
	if err != nil {
		_ = session.removeProfile()
		return nil, l.explain(err, path, read, options.Providers)
	}
	return session, nil
}

// check reports what cannot or must not be given to ONNX Runtime.
func (m *model) check(folder string) error {
	if m.compiled != "" {
		return errors.New("holds an engine compiled for one machine, not a graph")
	}
	for _, port := range slices.Concat(m.inputs, m.outputs) {
		if !supported(port.Type) {
			return fmt.Errorf("%q is %s, which is not supported: float32, float64, float16, uint8, int8, int32, int64 and bool are", port.Name, port.Type)
		}
	}
	for _, port := range m.outputs {
		if port.Type == "float16" && !port.known(m.inputs) {
			return fmt.Errorf("%q is float16 of a size that does not follow from the inputs: export the model with float32 outputs", port.Name)
		}
	}
	return m.checkFiles(folder)
}

func (l *Library) settings(options Options, profile string) (*ort.SessionOptions, error) {
	settings, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	spin := "0"
	if options.Spin {
		spin = "1"
	}
	for _, set := range []func() error{
		func() error { return settings.SetIntraOpNumThreads(max(1, options.Threads)) },
		func() error { return settings.SetInterOpNumThreads(1) },
		func() error { return settings.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll) },
		func() error { return settings.AddSessionConfigEntry("session.intra_op.allow_spinning", spin) },
		func() error { return settings.AddSessionConfigEntry("session.force_spinning_stop", "1") },
		func() error { return settings.SetLogSeverityLevel(ort.LoggingLevelError) },
		func() error { return settings.SetCpuMemArena(!options.Frugal) },
		func() error { return settings.SetMemPattern(false) }, // a plan of each size on top of the arena: a third more memory, no faster
		func() error { return l.profileInto(settings, profile) },
		func() error { return l.appendProviders(settings, options.Providers) },
	} {
		if err := set(); err != nil {
			settings.Destroy()
			return nil, err
		}
	}
	return settings, nil
}

func names(ports []Port) []string {
	var names []string
	for _, port := range ports {
		names = append(names, port.Name)
	}
	return names
}

// Close frees the model and hands its memory back to the system; no run may be
// under way or follow.
func (s *Session) Close() error {
	err := s.session.Destroy()
	returnMemory()
	return errors.Join(err, s.removeProfile())
}

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
	values, err := valuesOf(inputs, s.Inputs, "input")
	defer destroy(values)
	if err != nil {
		return nil, err
	}
	results, err := s.room(inputs)
	defer destroy(results)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, values, results); err != nil {
		return nil, err
	}
	outputs := make([]Tensor, len(results))
	for i, result := range results {
		if outputs[i], err = fromValue(result); err != nil {
			return nil, fmt.Errorf("output %q: %w", s.Outputs[i].Name, err)
		}
	}
	return outputs, nil
}

// valuesOf makes values of tensors for ports ("input" or "output"); the caller destroys
// them whatever the error.
func valuesOf(tensors []Tensor, ports []Port, what string) ([]ort.Value, error) {
	values := make([]ort.Value, 0, len(tensors))
	for i, tensor := range tensors {
		value, err := tensor.value()
		if kind := tensor.elementType(); err == nil && kind != ports[i].Type {
			err = errors.Join(fmt.Errorf("tensor is %s, not %s", kind, ports[i].Type), value.Destroy())
		}
		if err != nil {
			return values, fmt.Errorf("%s %q: %w", what, ports[i].Name, err)
		}
		values = append(values, value)
	}
	return values, nil
}

// room makes the float16 outputs, which the binding cannot: it leaves out half of
// their bytes. The others are nil and made by the run.
func (s *Session) room(inputs []Tensor) ([]ort.Value, error) {
	results := make([]ort.Value, len(s.Outputs))
	for i, port := range s.Outputs {
		if port.Type != "float16" {
			continue
		}
		shape := port.shape(s.Inputs, inputs)
		if !sensible(shape) {
			return results, fmt.Errorf("output %q has shape %v", port.Name, shape)
		}
		value, err := emptyHalf(shape)
		if err != nil {
			return results, fmt.Errorf("output %q: %w", port.Name, err)
		}
		results[i] = value
	}
	return results, nil
}

// sensible reports whether a tensor of a shape that a model asks for may be made.
func sensible(shape []int64) bool {
	const most = 1 << 28
	count := int64(1)
	for _, side := range shape {
		if side < 1 || side > most/count {
			return false
		}
		count *= side
	}
	return true
}

// known reports whether each side is a number or has the name of an input's side.
func (p Port) known(inputs []Port) bool {
	for i, side := range p.Dims {
		named := func(input Port) bool { return slices.Contains(input.symbols, p.symbols[i]) }
		if side < 0 && (p.symbols[i] == "" || !slices.ContainsFunc(inputs, named)) {
			return false
		}
	}
	return len(p.Dims) > 0
}

// shape is a known port's shape for these inputs.
func (p Port) shape(inputs []Port, given []Tensor) []int64 {
	shape := slices.Clone(p.Dims)
	for i, input := range inputs {
		for j, symbol := range input.symbols {
			for k := range shape {
				if shape[k] < 0 && symbol != "" && symbol == p.symbols[k] && j < len(given[i].Shape) {
					shape[k] = given[i].Shape[j]
				}
			}
		}
	}
	return shape
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
