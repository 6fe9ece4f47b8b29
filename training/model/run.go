package model

import (
	"context"
	"errors"
	"fmt"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/step"
)

// runRows is how many rows go through a head at a time: more gain nothing.
const runRows = 256

// Vectors gives the head's vectors of rows that are in the form it was trained on.
func (h *Head) Vectors(ctx context.Context, library *runtime.Library, threads int, rows [][]float32) (vectors [][]float32, err error) {
	g := graph.New(h.Name)
	model, err := g.Inference(graph.Shown{Name: "vectors", Value: h.Declare(g).Apply(g, g.Input("rows", runRows, h.Inputs), nil)})
	if err != nil {
		return nil, err
	}
	weights := map[string][]float32{}
	for _, tensor := range h.Tensors() {
		weights[tensor.Name] = tensor.Values
	}
	run, err := step.Open(library, model, weights, runtime.Options{Threads: threads})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	for begin := 0; begin < len(rows); begin += runRows {
		batch := rows[begin:min(begin+runRows, len(rows))]
		for i, row := range batch {
			if len(row) != h.Inputs {
				return nil, fmt.Errorf("the %s head takes %d values, row %d has %d", h.Name, h.Inputs, begin+i, len(row))
			}
			copy(run.Numbers("rows")[i*h.Inputs:], row)
		}
		if _, err := run.Run(ctx); err != nil {
			return nil, err
		}
		block := append([]float32(nil), run.Numbers("vectors")[:len(batch)*h.Outputs]...)
		for i := range batch {
			vectors = append(vectors, block[i*h.Outputs:(i+1)*h.Outputs:(i+1)*h.Outputs])
		}
	}
	return vectors, nil
}
