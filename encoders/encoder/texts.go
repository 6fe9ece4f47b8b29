package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
)

// Sentences gives the features of sentences: tokenizer, text graph and pooling,
// before any projection. Sentences go through it one by one: a feature does not
// depend on its neighbours.
type Sentences struct {
	text   bundle.Text
	tokens tokens
	graph  *graph
}

// OpenSentences loads what a manifest's text section names from a bundle's folder,
// to run on the CPU.
func OpenSentences(ctx context.Context, folder string, text bundle.Text, library *runtime.Library) (*Sentences, error) {
	text.CPUOnly = true
	sentences, _, err := openSentences(ctx, folder, text, newLoader(&bundle.Bundle{}, library, Options{}))
	return sentences, err
}

func openSentences(ctx context.Context, folder string, text bundle.Text, loader *loader) (*Sentences, *contract.Session, error) {
	tokens, err := openTokens(folder, text)
	if err != nil {
		return nil, nil, err
	}
	s := &Sentences{text: text, tokens: tokens}
	loaded, err := loader.open(ctx, part{
		name: "text", folder: folder, graph: text.Graph, output: text.Output, cpuOnly: text.CPUOnly,
		shape: s.shape,
		check: func(g *graph) error { return checkTextPorts(g.session, text) },
		try:   func(ctx context.Context, g *graph) error { _, err := s.feature(ctx, g, trialText); return err },
	})
	if err != nil {
		return nil, nil, err
	}
	s.graph = loaded.graph
	return s, loaded.about, nil
}

// trialText is encoded once when a graph is loaded.
const trialText = "a dog on a beach"

// shape is what an engine is built for: a query of a few words.
func (s *Sentences) shape(port runtime.Port) runtime.ShapeRange {
	full := []int64{1, int64(s.text.Context)}
	if s.text.Padded {
		return runtime.ShapeRange{Input: port.Name, Min: full, Optimum: full, Max: full}
	}
	return runtime.ShapeRange{Input: port.Name, Min: []int64{1, 1}, Optimum: []int64{1, int64(min(12, s.text.Context))}, Max: full}
}

// Close frees the graph.
func (s *Sentences) Close() error { return s.graph.close() }

// Knows reports whether any of a sentence's pieces is more than one for what is unknown:
// letters of a script that the tokenizer has never seen tell nothing apart.
func (s *Sentences) Knows(sentence string) bool {
	const seated = "𓀀" // an Egyptian hieroglyph: where it is known at all, it is by its bytes
	unknown, found := s.tokens(seated), s.tokens(sentence)
	for i, piece := range found.ids {
		if found.mask[i] != 0 && !slices.Contains(unknown.ids, piece) {
			return true
		}
	}
	return false
}

// Feature is a sentence's feature: the graph's output, or the mean of its pieces'
// outputs of unit length.
func (s *Sentences) Feature(ctx context.Context, sentence string) ([]float32, error) {
	return s.feature(ctx, s.graph, sentence)
}

func (s *Sentences) feature(ctx context.Context, graph *graph, sentence string) ([]float32, error) {
	pieces := s.tokens(sentence)
	inputs := make([]runtime.Tensor, len(graph.session.Inputs))
	for i, port := range graph.session.Inputs {
		inputs[i] = s.input(port.Name, pieces)
	}
	output, err := graph.run(ctx, inputs...)
	if err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	values, err := output.Float32s()
	if err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	if s.text.Pooling == "none" {
		return values, nil
	}
	if shape := output.Shape; len(shape) != 3 || shape[0] != 1 || shape[1] != int64(len(pieces.ids)) || len(values) == 0 {
		return nil, fmt.Errorf("encode text: output has shape %v, not a row for each of %d pieces", shape, len(pieces.ids))
	}
	return meanOf(values, pieces.mask), nil
}

// input fills one input by its name, which has been checked.
func (s *Sentences) input(name string, pieces pieces) runtime.Tensor {
	values := make([]int32, len(pieces.ids))
	switch name {
	case s.text.Tokens:
		values = pieces.ids
	case s.text.Mask:
		values = pieces.mask
	}
	shape := []int64{1, int64(len(values))}
	if s.text.Type == "int32" {
		return runtime.Tensor{Shape: shape, Data: values}
	}
	wide := make([]int64, len(values))
	for i, value := range values {
		wide[i] = int64(value)
	}
	return runtime.Tensor{Shape: shape, Data: wide}
}

// checkTextPorts compares the graph with the manifest.
func checkTextPorts(session *runtime.Session, text bundle.Text) error {
	names := portNames(session.Inputs)
	for _, field := range []struct{ name, value string }{{"tokens", text.Tokens}, {"mask", text.Mask}, {"kinds", text.Kinds}} {
		if field.value != "" && !slices.Contains(names, field.value) {
			return fmt.Errorf("text.%s is %q, the graph takes %v", field.name, field.value, names)
		}
	}
	for _, port := range session.Inputs {
		if !slices.Contains([]string{text.Tokens, text.Mask, text.Kinds}, port.Name) {
			return fmt.Errorf("the graph takes %q, which is none of text.tokens, text.mask and text.kinds", port.Name)
		}
		if port.Type != text.Type {
			return fmt.Errorf("text.type is %s, the graph takes %q as %s", text.Type, port.Name, port.Type)
		}
		if len(port.Dims) != 2 || port.Dims[0] > 1 {
			return fmt.Errorf("the graph takes %q with shape %v, not one text at a time", port.Name, port.Dims)
		}
		if side := port.Dims[1]; side > 0 && (side != int64(text.Context) || !text.Padded) {
			return fmt.Errorf("text.context is %d, padded %v; the graph takes exactly %d pieces", text.Context, text.Padded, side)
		}
	}
	return nil
}

// textSide adds the projection to the features of sentences.
type textSide struct {
	sentences  *Sentences
	projection *graph // nil where the feature is the vector
	dimensions int
	overtake   *sync.RWMutex
	about      *contract.Session
}

func openTexts(ctx context.Context, b *bundle.Bundle, loader *loader, overtake *sync.RWMutex) (*textSide, error) {
	sentences, about, err := openSentences(ctx, b.Path("."), b.Text, loader)
	if err != nil {
		return nil, err
	}
	side := &textSide{sentences: sentences, dimensions: b.Dimensions(), overtake: overtake, about: about}
	if b.Projection.Text != "" {
		if side.projection, err = loader.openSmall(b.Projection.Text); err != nil {
			return nil, errors.Join(err, side.close())
		}
	}
	if _, err := side.encode(ctx, trialText); err != nil {
		return nil, errors.Join(err, side.close())
	}
	return side, nil
}

func (s *textSide) close() error { return errors.Join(s.sentences.Close(), s.projection.close()) }

// encode holds pictures off until it is done.
func (s *textSide) encode(ctx context.Context, text string) ([]float32, error) {
	s.overtake.RLock()
	defer s.overtake.RUnlock()
	feature, err := s.sentences.Feature(ctx, text)
	if err != nil {
		return nil, err
	}
	return projectSentence(ctx, s.projection, feature, s.dimensions)
}

// meanOf is the mean of the rows that the mask picks, to unit length.
func meanOf(values []float32, mask []int32) []float32 {
	width := len(values) / len(mask)
	sums := make([]float64, width)
	for i, value := range values {
		if mask[i/width] != 0 {
			sums[i%width] += float64(value)
		}
	}
	var square float64
	for _, sum := range sums {
		square += sum * sum
	}
	length := math.Sqrt(square)
	mean := make([]float32, width)
	for i, sum := range sums {
		mean[i] = float32(sum / length)
	}
	return mean
}
