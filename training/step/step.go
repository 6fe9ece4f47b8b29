// Package step runs the graph of a training step, or of an evaluation, on slices
// that stay in place: weights and batch are read where they are, and loss and
// gradients are written where the optimiser reads them. It knows no model.
package step

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"vsed/encoders/onnx"
	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/optimizer"
)

// Step is a graph that is ready to run.
type Step struct {
	session *runtime.Session
	bound   *runtime.Bound
	slices  map[string]any
	done    int
}

// Open loads a model. Its inputs of the names in weights are read from those slices,
// which other steps may share; all else gets slices of its own, which Numbers, Mask
// and Indices give.
func Open(library *runtime.Library, model *graph.Model, weights map[string][]float32, options runtime.Options) (*Step, error) {
	session, err := load(library, model.ONNX, options)
	if err != nil {
		return nil, err
	}
	s := &Step{session: session, slices: map[string]any{}}
	inputs, err := s.tensors(model.Inputs, weights)
	if err == nil {
		var outputs []runtime.Tensor
		if outputs, err = s.tensors(model.Outputs, nil); err == nil {
			s.bound, err = session.Bind(inputs, outputs)
		}
	}
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return s, nil
}

// load goes through a file, which ONNX Runtime reads once.
func load(library *runtime.Library, model []byte, options runtime.Options) (*runtime.Session, error) {
	folder, err := os.MkdirTemp("", "vsed-step-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "step.onnx")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		return nil, err
	}
	return library.Open(path, options)
}

// tensors makes a slice for each port, or takes the one that is given.
func (s *Step) tensors(ports []graph.Port, given map[string][]float32) ([]runtime.Tensor, error) {
	var tensors []runtime.Tensor
	for _, port := range ports {
		data := room(port)
		if values, ok := given[port.Name]; ok {
			if len(values) != port.Size() || port.Kind != onnx.Float32 {
				return nil, fmt.Errorf("%q takes %d values of %v, not %d of float32", port.Name, port.Size(), port.Kind, len(values))
			}
			data = values
		}
		s.slices[port.Name] = data
		tensor := runtime.Tensor{Data: data, Shape: []int64{}}
		for _, side := range port.Sides {
			tensor.Shape = append(tensor.Shape, int64(side))
		}
		tensors = append(tensors, tensor)
	}
	return tensors, nil
}

func room(port graph.Port) any {
	switch port.Kind {
	case onnx.Float64:
		return make([]float64, port.Size())
	case onnx.Int64:
		return make([]int64, port.Size())
	case onnx.Bool:
		return make([]bool, port.Size())
	}
	return make([]float32, port.Size())
}

// Numbers is the slice of an input or output by its name; nil where there is none of
// that name, or it holds something else.
func (s *Step) Numbers(name string) []float32 {
	values, _ := s.slices[name].([]float32)
	return values
}

// Gradient is the slice of a variable's gradient.
func (s *Step) Gradient(variable string) []float32 { return s.Numbers(graph.GradientName(variable)) }

// Mask is the slice of an input of truth values.
func (s *Step) Mask(name string) []bool {
	values, _ := s.slices[name].([]bool)
	return values
}

// Indices is the slice of an input of row numbers.
func (s *Step) Indices(name string) []int64 {
	values, _ := s.slices[name].([]int64)
	return values
}

// Resume goes on after a number of steps, which errors count.
func (s *Step) Resume(steps int) { s.done = steps }

// Run runs the graph once, and returns the loss if it has one. A loss that is not
// finite is an *optimizer.NotFiniteError; the optimiser looks at the gradients, which
// it reads anyway.
func (s *Step) Run(ctx context.Context) (float64, error) {
	if err := s.bound.Run(ctx); err != nil {
		return 0, fmt.Errorf("step %d: %w", s.done+1, err)
	}
	s.done++
	loss := s.Numbers(graph.LossName)
	if len(loss) == 0 {
		return 0, nil
	}
	if value := float64(loss[0]); math.IsNaN(value) || math.IsInf(value, 0) {
		return value, &optimizer.NotFiniteError{Step: s.done, Tensor: graph.LossName}
	}
	return float64(loss[0]), nil
}

// Close frees the model.
func (s *Step) Close() error {
	s.bound.Close()
	return s.session.Close()
}
