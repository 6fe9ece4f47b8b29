package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/encoders/tokenizer"
)

// Sentences gives the features of sentences: tokenizer, text graph and pooling,
// before any projection. Sentences go through it one by one: nothing is filled
// up, so a feature does not depend on its neighbours.
type Sentences struct {
	graph     *graph
	tokenizer *tokenizer.WordPiece
}

// OpenSentences loads what a manifest's text section names from a bundle's folder.
func OpenSentences(folder string, text bundle.Text, library *runtime.Library, options runtime.Options) (*Sentences, error) {
	vocabulary, err := os.Open(filepath.Join(folder, filepath.FromSlash(text.Tokenizer.Vocabulary)))
	if err != nil {
		return nil, err
	}
	defer vocabulary.Close()
	pieces, err := tokenizer.NewWordPiece(vocabulary, tokenizer.Rules{Context: text.Context, LowerCase: text.Tokenizer.LowerCase})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text.Tokenizer.Vocabulary, err)
	}
	loaded, err := openGraph(filepath.Join(folder, filepath.FromSlash(text.File)), library, options)
	if err != nil {
		return nil, err
	}
	sentences := &Sentences{loaded, pieces}
	for _, port := range loaded.session.Inputs {
		if _, err := textInput(port, []int64{0}); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", text.File, err), sentences.Close())
		}
	}
	return sentences, nil
}

// Close frees the graph.
func (s *Sentences) Close() error { return s.graph.close() }

// Feature is the mean of a sentence's pieces, of unit length.
func (s *Sentences) Feature(ctx context.Context, sentence string) ([]float32, error) {
	pieces := s.tokenizer.Encode(sentence)
	var inputs []runtime.Tensor
	for _, port := range s.graph.session.Inputs {
		input, err := textInput(port, pieces)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, input)
	}
	output, err := s.graph.run(ctx, inputs...)
	if err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	hidden, err := output.Float32s()
	if shape := output.Shape; err == nil && (len(shape) != 3 || shape[0] != 1 || shape[1] != int64(len(pieces)) || len(hidden) == 0) {
		err = fmt.Errorf("encode text: output has shape %v, not a row for each of %d pieces", shape, len(pieces))
	}
	if err != nil {
		return nil, err
	}
	return meanOf(hidden, len(pieces)), nil
}

// textSide adds the projection to the features of sentences.
type textSide struct {
	sentences  *Sentences
	projection *graph // nil where the feature is the vector
	dimensions int
}

func openTexts(b *bundle.Bundle, library *runtime.Library, options runtime.Options) (*textSide, error) {
	sentences, err := OpenSentences(b.Path("."), b.Text, library, options)
	if err != nil {
		return nil, err
	}
	side := &textSide{sentences: sentences, dimensions: b.Dimensions()}
	if b.Projection.Text != "" {
		if side.projection, err = openGraph(b.Path(b.Projection.Text), library, options); err != nil {
			return nil, errors.Join(err, side.close())
		}
	}
	return side, nil
}

func (s *textSide) close() error { return errors.Join(s.sentences.Close(), s.projection.close()) }

func (s *textSide) encode(ctx context.Context, text string) ([]float32, error) {
	vector, err := s.sentences.Feature(ctx, text)
	if err == nil && s.projection != nil {
		input := runtime.Tensor{Shape: []int64{1, int64(len(vector))}, Data: vector}
		vector, err = s.projection.values(ctx, s.dimensions, input)
	}
	if err == nil && len(vector) != s.dimensions {
		err = fmt.Errorf("text graph gives %d dimensions, the manifest says %d", len(vector), s.dimensions)
	}
	return vector, err
}

// textInput fills one input of a BERT graph by its name.
func textInput(port runtime.Port, pieces []int64) (runtime.Tensor, error) {
	values := make([]int64, len(pieces))
	switch port.Name {
	case "input_ids":
		values = pieces
	case "attention_mask":
		for i := range values {
			values[i] = 1
		}
	case "token_type_ids":
	default:
		return runtime.Tensor{}, fmt.Errorf("text graph has an input %q that is not known here", port.Name)
	}
	if port.Type != "int64" {
		return runtime.Tensor{}, fmt.Errorf("text graph takes %q as %s, not int64", port.Name, port.Type)
	}
	return runtime.Tensor{Shape: []int64{1, int64(len(pieces))}, Data: values}, nil
}

// meanOf is the mean of count rows, to unit length.
func meanOf(values []float32, count int) []float32 {
	width := len(values) / count
	sums := make([]float64, width)
	for i, value := range values {
		sums[i%width] += float64(value)
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
