package encoder

import (
	"context"
	"errors"
	"fmt"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// projectionBatch is the size of every projection, filled up with zeros: a matrix
// product may round otherwise for one row than for many, and a vector must not
// depend on how many others are asked for.
const projectionBatch = 8

// pictureSide runs the picture graph and the projection of its features.
type pictureSide struct {
	image      *graph
	projection *graph // nil where the picture graph's output is the vector
	format     bundle.Picture
	widths     []int // of the feature's parts
	width      int   // of the picture graph's output
	dimensions int
}

func openPictures(b *bundle.Bundle, library *runtime.Library, options runtime.Options) (*pictureSide, error) {
	side := &pictureSide{format: b.Picture, widths: b.Widths(), width: b.Dimensions(), dimensions: b.Dimensions()}
	var err error
	if side.image, err = openGraph(b.Path(b.Picture.File), library, options); err != nil {
		return nil, err
	}
	if err := side.checkInput(); err != nil {
		return nil, errors.Join(err, side.close())
	}
	if b.Projection.Picture == "" {
		return side, nil
	}
	side.width = 0
	for _, width := range side.widths {
		side.width += width
	}
	if side.projection, err = openGraph(b.Path(b.Projection.Picture), library, options); err != nil {
		return nil, errors.Join(err, side.close())
	}
	return side, nil
}

func (s *pictureSide) close() error { return errors.Join(s.image.close(), s.projection.close()) }

// checkInput compares the graph with the manifest.
func (s *pictureSide) checkInput() error {
	want := []int64{-1, int64(s.format.Height), int64(s.format.Width), 3}
	inputs := s.image.session.Inputs
	if len(inputs) != 1 || inputs[0].Type != "uint8" || len(inputs[0].Dims) != len(want) {
		return fmt.Errorf("%s takes %v, not one uint8 tensor of shape %v", s.format.File, inputs, want)
	}
	for i, side := range inputs[0].Dims[1:] {
		if side > 0 && side != want[i+1] {
			return fmt.Errorf("%s takes shape %v, the manifest says %v", s.format.File, inputs[0].Dims, want)
		}
	}
	return nil
}

// encode runs the pictures in batches of the manifest's size; a turn of the
// session ends with each, so that a caller of one waits for one batch only.
func (s *pictureSide) encode(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	length := s.format.Width * s.format.Height * 3
	for i, picture := range pictures {
		if len(picture) != length {
			return nil, sdk.Rejected("picture %d is %d bytes long, not %d", i, len(picture), length)
		}
	}
	var outputs [][]float32
	for begin := 0; begin < len(pictures); begin += s.format.Batch {
		batch := pictures[begin:min(begin+s.format.Batch, len(pictures))]
		rows, err := s.runBatch(ctx, batch, length)
		if err != nil {
			return nil, fmt.Errorf("encode pictures: %w", err)
		}
		outputs = append(outputs, rows...)
	}
	return s.embed(ctx, outputs)
}

// runBatch always runs the same size, filled up with black pictures: mixed sizes
// make the runtime keep memory for each.
func (s *pictureSide) runBatch(ctx context.Context, pictures [][]byte, length int) ([][]float32, error) {
	pixels := make([]byte, 0, s.format.Batch*length)
	for _, picture := range pictures {
		pixels = append(pixels, picture...)
	}
	input := runtime.Tensor{
		Shape: []int64{int64(s.format.Batch), int64(s.format.Height), int64(s.format.Width), 3},
		Data:  pixels[:cap(pixels)],
	}
	values, err := s.image.values(ctx, s.format.Batch*s.width, input)
	if err != nil {
		return nil, err
	}
	return rows(values, s.width)[:len(pictures)], nil
}

// embed turns the graph's outputs into vectors, through the stored form where
// features are kept.
func (s *pictureSide) embed(ctx context.Context, outputs [][]float32) ([]*contract.Embedding, error) {
	embeddings := make([]*contract.Embedding, len(outputs))
	if s.projection == nil {
		for i, vector := range outputs {
			embeddings[i] = &contract.Embedding{Vector: vector}
		}
		return embeddings, nil
	}
	features := make([][]byte, len(outputs))
	for i, values := range outputs {
		features[i] = quantise(values, s.widths)
	}
	vectors, err := s.project(ctx, features)
	if err != nil {
		return nil, err
	}
	for i := range outputs {
		embeddings[i] = &contract.Embedding{Vector: vectors[i], Feature: features[i]}
	}
	return embeddings, nil
}

// project gives the vectors of stored features.
func (s *pictureSide) project(ctx context.Context, features [][]byte) ([][]float32, error) {
	if s.projection == nil {
		return nil, fmt.Errorf("this encoder keeps no features: %w", errors.ErrUnsupported)
	}
	vectors := make([][]float32, 0, len(features))
	for begin := 0; begin < len(features); begin += projectionBatch {
		batch := features[begin:min(begin+projectionBatch, len(features))]
		found, err := s.projectBatch(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("project features: %w", err)
		}
		vectors = append(vectors, found...)
	}
	return vectors, nil
}

func (s *pictureSide) projectBatch(ctx context.Context, features [][]byte) ([][]float32, error) {
	values := make([]float32, 0, projectionBatch*s.width)
	for i, feature := range features {
		var err error
		if values, err = dequantise(values, feature, s.widths); err != nil {
			return nil, sdk.Rejected("feature %d: %w", i, err)
		}
	}
	input := runtime.Tensor{Shape: []int64{projectionBatch, int64(s.width)}, Data: values[:cap(values)]}
	found, err := s.projection.values(ctx, projectionBatch*s.dimensions, input)
	if err != nil {
		return nil, err
	}
	return rows(found, s.dimensions)[:len(features)], nil
}

func rows(values []float32, width int) [][]float32 {
	var rows [][]float32
	for ; len(values) > 0; values = values[width:] {
		rows = append(rows, values[:width:width])
	}
	return rows
}
