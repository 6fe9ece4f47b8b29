package runtime

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Model is what a model's file says of itself.
type Model struct {
	Inputs  []Port
	Outputs []Port
	Weights []string // files beside the model that hold weights, sorted

	// Precision is the type that most weights have: "float32", "float16" or "int8".
	Precision string
}

// Inspect reads a model's file without ONNX Runtime and refuses what Open refuses
// before it gives a file to it.
func Inspect(path string) (*Model, error) {
	read, err := readModel(path)
	if err == nil {
		err = read.check(filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	model := &Model{Inputs: read.inputs, Outputs: read.outputs, Precision: read.precision()}
	for _, each := range read.external {
		model.Weights = append(model.Weights, each.location)
	}
	slices.Sort(model.Weights)
	model.Weights = slices.Compact(model.Weights)
	return model, nil
}

// precision names the type of most weights, the unsigned integers among int8.
func (m *model) precision() string {
	counts := map[string]int64{
		"float32": m.elements["float32"], "float16": m.elements["float16"],
		"int8": m.elements["int8"] + m.elements["uint8"],
	}
	best := "float32"
	for _, kind := range []string{"float16", "int8"} {
		if counts[kind] > counts[best] {
			best = kind
		}
	}
	return best
}
