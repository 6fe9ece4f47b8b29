package encoder

import (
	"context"
	"errors"
	"fmt"

	"vsed/encoders/bundle"
	"vsed/encoders/feature"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// projectionBatch is the size of every projection, filled up with zeros: a matrix
// product may round otherwise for one row than for many, and a vector must not
// depend on how many others are asked for.
const projectionBatch = 8

// projection turns features into vectors. It is small and runs on the CPU, on any
// machine with the same bits.
type projection struct {
	graph      *graph
	widths     []int // of the feature's parts
	width      int   // of a feature
	dimensions int
}

func openProjection(b *bundle.Bundle, loader *loader) (*projection, error) {
	loaded, err := loader.openSmall(b.Projection.Picture)
	if err != nil {
		return nil, err
	}
	p := &projection{graph: loaded, widths: b.Widths(), dimensions: b.Dimensions()}
	for _, width := range p.widths {
		p.width += width
	}
	return p, nil
}

func (p *projection) close() error {
	if p == nil {
		return nil
	}
	return p.graph.close()
}

// embed stores outputs of the picture graph and gives the vectors of what is stored.
func (p *projection) embed(ctx context.Context, outputs [][]float32) ([]*contract.Embedding, error) {
	features := make([][]byte, len(outputs))
	for i, values := range outputs {
		features[i] = feature.Quantise(values, p.widths)
	}
	vectors, err := p.project(ctx, features)
	if err != nil {
		return nil, err
	}
	embeddings := make([]*contract.Embedding, len(outputs))
	for i := range outputs {
		embeddings[i] = &contract.Embedding{Vector: vectors[i], Feature: features[i]}
	}
	return embeddings, nil
}

// project gives the vectors of stored features.
func (p *projection) project(ctx context.Context, features [][]byte) ([][]float32, error) {
	if p == nil {
		return nil, fmt.Errorf("this encoder keeps no features: %w", errors.ErrUnsupported)
	}
	vectors := make([][]float32, 0, len(features))
	for begin := 0; begin < len(features); begin += projectionBatch {
		found, err := p.batch(ctx, features[begin:min(begin+projectionBatch, len(features))])
		if err != nil {
			return nil, fmt.Errorf("project features: %w", err)
		}
		vectors = append(vectors, found...)
	}
	for i, vector := range vectors {
		if err := normalise(vector); err != nil {
			return nil, fmt.Errorf("project feature %d: %w", i, err)
		}
	}
	return vectors, nil
}

func (p *projection) batch(ctx context.Context, features [][]byte) ([][]float32, error) {
	values := make([]float32, 0, projectionBatch*p.width)
	for i, one := range features {
		var err error
		if values, err = feature.Dequantise(values, one, p.widths); err != nil {
			return nil, sdk.Rejected("feature %d: %w", i, err)
		}
	}
	input := runtime.Tensor{Shape: []int64{projectionBatch, int64(p.width)}, Data: values[:cap(values)]}
	found, err := p.graph.values(ctx, projectionBatch*p.dimensions, input)
	if err != nil {
		return nil, err
	}
	return rows(found, p.dimensions)[:len(features)], nil
}
