package encoder

import (
	"context"
	"errors"
	"fmt"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
)

// Projector gives the vectors of features, as an Encoder of the bundle does, without
// loading its towers.
type Projector struct {
	pictures   *projection
	text       *graph // nil where a sentence's feature is its vector
	dimensions int
}

// OpenProjector loads the projections of a bundle that keeps features.
func OpenProjector(ctx context.Context, b *bundle.Bundle, library *runtime.Library, options Options) (*Projector, error) {
	if b.Features == nil {
		return nil, fmt.Errorf("the encoder %s keeps no features: %w", b.Name, errors.ErrUnsupported)
	}
	loader := newLoader(b, library, options)
	pictures, err := openProjection(ctx, b, loader)
	if err != nil {
		return nil, err
	}
	p := &Projector{pictures: pictures, dimensions: b.Dimensions()}
	if b.Projection.Text != "" {
		if p.text, err = loader.openSmall(b.Projection.Text); err != nil {
			return nil, errors.Join(err, pictures.close())
		}
	}
	return p, nil
}

// Close frees the graphs.
func (p *Projector) Close() error { return errors.Join(p.pictures.close(), p.text.close()) }

// Project is an Encoder's.
func (p *Projector) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	return p.pictures.project(ctx, features)
}

// Sentence gives the vector of a sentence's feature, which comes from Sentences.
func (p *Projector) Sentence(ctx context.Context, feature []float32) ([]float32, error) {
	return projectSentence(ctx, p.text, feature, p.dimensions)
}

// projectSentence turns a sentence's feature into its vector; a nil graph leaves it.
func projectSentence(ctx context.Context, graph *graph, feature []float32, dimensions int) (vector []float32, err error) {
	vector = append([]float32(nil), feature...)
	if graph != nil {
		input := runtime.Tensor{Shape: []int64{1, int64(len(feature))}, Data: vector}
		if vector, err = graph.values(ctx, dimensions, input); err != nil {
			return nil, err
		}
	}
	if len(vector) != dimensions {
		return nil, fmt.Errorf("the text graph gives %d dimensions, the manifest says %d", len(vector), dimensions)
	}
	if err := normalise(vector); err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	return vector, nil
}
