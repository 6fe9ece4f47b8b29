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
	model := &Model{Inputs: read.inputs, Outputs: read.outputs}
	for _, each := range read.external {
		model.Weights = append(model.Weights, each.location)
	}
	slices.Sort(model.Weights)
	model.Weights = slices.Compact(model.Weights)
	return model, nil
}
