// Package golden makes the golden inputs of a bundle: it draws pictures, asks the
// encoder for their vectors and those of some texts, and keeps the pairs of a
// picture and a sentence that the encoder finds to belong together.
package golden

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/encoders/bundle"
	"vsed/encoders/drawn"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
)

// File is where golden inputs are written to, and Folder their pictures.
const (
	File   = "golden.json"
	Folder = "golden"
)

const (
	// patterns are drawn beside the things that have a sentence.
	patterns = 2
	// leastPairs of the drawn things must be nearer to their own sentence than to
	// each other one: an encoder whose pictures and texts have nothing to do with
	// each other gets one of four by chance.
	leastPairs = 3
	// leastDerived of them must be told apart among themselves by what was derived from an
	// encoder that saw enough: what is learned of photos may cost a drawing. A self-test
	// judges a pair beside another one.
	leastDerived = 2
	// tolerance is the least cosine to a golden vector on another machine.
	tolerance     = 0.999
	halfTolerance = 0.995
)

// ErrDisagree says that an encoder sees too few of the drawn things.
var ErrDisagree = errors.New("pictures and texts of this encoder do not agree")

// texts cover what a tokenizer can get wrong: accents, capitals, emoji, Chinese,
// more than a context holds, and nothing.
func texts() []string {
	return []string{
		"dog on beach", "A Siberian Husky in the SNOW!", "café at night in Zürich", "🐶 狗",
		strings.Repeat("a dog runs along the beach, ", 100), "",
	}
}

// Bundle is a folder with all files of a bundle but its golden inputs and manifest.
type Bundle struct {
	Folder   string
	Manifest bundle.Manifest
	SourceOf func(path string) string // as bundle.Write takes it
	Derived  bool                     // from a bundle with golden inputs, by other heads
}

// Complete writes golden inputs and the manifest. Where calibrate is set, the
// manifest's match floor comes from what the encoder says of the golden pictures.
func Complete(ctx context.Context, b Bundle, library *runtime.Library, calibrate bool) error {
	b.Manifest.Golden = File
	inputs, err := b.draw()
	if err != nil {
		return fmt.Errorf("golden inputs: %w", err)
	}
	if err := b.write(inputs); err != nil {
		return err
	}
	if err := b.answer(ctx, inputs, library, calibrate); err != nil {
		return err
	}
	return b.write(inputs)
}

// draw writes the pictures and lists all inputs, without vectors.
func (b *Bundle) draw() (*bundle.Golden, error) {
	inputs := &bundle.Golden{Tolerance: tolerance}
	if b.Manifest.Precision == "float16" {
		inputs.Tolerance = halfTolerance
	}
	width, height := b.Manifest.Picture.Width, b.Manifest.Picture.Height
	for i, thing := range drawn.Things() {
		if err := b.add(inputs, thing.Name, thing.Draw(width, height)); err != nil {
			return nil, err
		}
		inputs.Texts = append(inputs.Texts, bundle.GoldenText{Text: thing.Sentence})
		inputs.Pairs = append(inputs.Pairs, bundle.GoldenPair{Picture: i, Text: i})
	}
	for seed := range patterns {
		if err := b.add(inputs, fmt.Sprintf("pattern-%d", seed), drawn.Pattern(uint64(seed), width, height)); err != nil {
			return nil, err
		}
	}
	for _, text := range texts() {
		inputs.Texts = append(inputs.Texts, bundle.GoldenText{Text: text})
	}
	return inputs, nil
}

func (b *Bundle) add(inputs *bundle.Golden, name string, picture image.Image) error {
	name = Folder + "/" + name + ".png"
	path := filepath.Join(b.Folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	inputs.Pictures = append(inputs.Pictures, bundle.GoldenPicture{File: name})
	return errors.Join(png.Encode(file, picture), file.Close())
}

func (b *Bundle) write(inputs *bundle.Golden) error {
	data, err := json.Marshal(inputs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.Folder, File), data, 0o644); err != nil {
		return err
	}
	return bundle.Write(b.Folder, b.Manifest, b.SourceOf)
}

// answer fills in the vectors that the encoder gives, and takes out the pairs that
// it does not see.
func (b *Bundle) answer(ctx context.Context, inputs *bundle.Golden, library *runtime.Library, calibrate bool) (err error) {
	read, err := bundle.Read(b.Folder)
	if err != nil {
		return err
	}
	encode, err := encoder.Open(ctx, read, library, encoder.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, encode.Close()) }()
	for i := range inputs.Texts {
		if inputs.Texts[i].Vector, err = textVector(ctx, encode, inputs.Texts[i].Text); err != nil {
			return err
		}
	}
	for i := range inputs.Pictures {
		pixels, err := read.Pixels(inputs.Pictures[i])
		if err != nil {
			return err
		}
		found, err := encode.EncodePictures(ctx, [][]byte{pixels})
		if err != nil {
			return err
		}
		inputs.Pictures[i].Vector = found[0].Vector
	}
	if calibrate {
		if b.Manifest.Score.MatchFloor, err = matchFloor(ctx, encode, inputs); err != nil {
			return err
		}
	}
	err = keepPairs(inputs)
	if b.Derived && errors.Is(err, ErrDisagree) && keepSome(inputs) {
		return nil
	}
	return err
}

func textVector(ctx context.Context, encode *encoder.Encoder, text string) ([]float32, error) {
	found, err := encode.EncodeTexts(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return found[0].Vector, nil
}

// keepSome keeps the most pairs of which each picture is nearest to its own sentence
// among theirs, and reports whether they are enough.
func keepSome(inputs *bundle.Golden) bool {
	var most []bundle.GoldenPair
	for chosen := range 1 << len(inputs.Pairs) {
		var some []bundle.GoldenPair
		for i, pair := range inputs.Pairs {
			if chosen>>i&1 == 1 {
				some = append(some, pair)
			}
		}
		agree := !slices.ContainsFunc(some, func(own bundle.GoldenPair) bool { return nearest(inputs, own, some) != own.Text })
		if agree && len(some) > len(most) {
			most = some
		}
	}
	if len(most) < leastDerived {
		return false
	}
	inputs.Pairs = most
	return true
}

// nearest is the text, of those of some pairs, that a pair's picture is nearest to.
func nearest(inputs *bundle.Golden, own bundle.GoldenPair, among []bundle.GoldenPair) int {
	best, picture := own.Text, inputs.Pictures[own.Picture].Vector
	for _, other := range among {
		if cosine(picture, inputs.Texts[other.Text].Vector) > cosine(picture, inputs.Texts[best].Vector) {
			best = other.Text
		}
	}
	return best
}

// keepPairs keeps the pairs whose picture is nearest to its own sentence.
func keepPairs(inputs *bundle.Golden) error {
	var kept []bundle.GoldenPair
	var lost []string
	for _, own := range inputs.Pairs {
		if best := nearest(inputs, own, inputs.Pairs); best != own.Text {
			lost = append(lost, fmt.Sprintf("%s is taken for %q", inputs.Pictures[own.Picture].File, inputs.Texts[best].Text))
			continue
		}
		kept = append(kept, own)
	}
	if len(kept) < leastPairs {
		return fmt.Errorf("%w: %s; the model was exported wrongly, or its tokenizer or preprocessing is another model's", ErrDisagree, strings.Join(lost, ", "))
	}
	inputs.Pairs = kept
	return nil
}

// cosine is that of two vectors of unit length.
func cosine(a, b []float32) float64 {
	var sum float64
	for i, value := range a {
		sum += float64(value) * float64(b[i])
	}
	return sum
}
