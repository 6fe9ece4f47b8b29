// Package encoder turns pictures and sentences into vectors as a bundle says. It
// is what the vsed-encoder-onnx plugin serves; it knows the bundle's tokenizer,
// graphs and stored features, and leaves processes and messages to the SDK.
package encoder

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"vsed/encoders/bundle"
	"vsed/encoders/feature"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// A call should bring this many pictures at least, so that its own cost vanishes,
// and no more than so many, so that it ends soon.
const (
	leastCall = 8
	mostCall  = 32
)

// Encoder is an encoder in memory. Its methods may be called at the same time.
// Pictures wait for pictures and, before each run, for the texts that are being
// encoded; texts wait for texts only, so a search never queues behind photos.
type Encoder struct {
	bundle   *bundle.Bundle
	loader   *loader
	pictures *pictureSide
	texts    *textSide
	about    *contract.EncoderDescription
}

var _ sdk.EncoderServer = (*Encoder)(nil)

// Open loads the bundle's graphs, runs each once and checks what they take and
// give against the manifest.
func Open(ctx context.Context, b *bundle.Bundle, library *runtime.Library, options Options) (*Encoder, error) {
	e := &Encoder{bundle: b, loader: newLoader(b, library, options)}
	if err := e.open(ctx); err != nil {
		e.loader.engines.release()
		return nil, err
	}
	return e, nil
}

func (e *Encoder) open(ctx context.Context) (err error) {
	overtake := &sync.RWMutex{}
	before := residentBytes()
	if e.texts, err = openTexts(ctx, e.bundle, e.loader, overtake); err != nil {
		return fmt.Errorf("text side of encoder %s: %w", e.bundle.Name, err)
	}
	between := residentBytes()
	if e.pictures, err = openPictures(ctx, e.bundle, e.loader, overtake); err != nil {
		return errors.Join(fmt.Errorf("picture side of encoder %s: %w", e.bundle.Name, err), e.texts.close())
	}
	e.describe()
	e.about.TextMemory, e.about.PictureMemory = grown(before, between), grown(between, residentBytes())
	return nil
}

// Close frees the graphs; no call may be under way or follow.
func (e *Encoder) Close() error {
	defer e.loader.engines.release()
	return errors.Join(e.pictures.close(), e.texts.close())
}

var fits = map[string]contract.Fit{"squash": contract.Fit_FIT_SQUASH, "crop": contract.Fit_FIT_CROP, "pad": contract.Fit_FIT_PAD}

var kernels = map[string]contract.Kernel{
	"linear": contract.Kernel_KERNEL_LINEAR, "cubic": contract.Kernel_KERNEL_CUBIC, "lanczos3": contract.Kernel_KERNEL_LANCZOS3,
}

// describe puts together what the manifest and the loaded graphs say.
func (e *Encoder) describe() {
	e.about = &contract.EncoderDescription{
		Name:         e.bundle.Name,
		Version:      e.bundle.Version,
		Space:        e.bundle.Space(),
		BundleDigest: e.bundle.Digest(),
		Picture: &contract.PictureFormat{
			Width: uint32(e.bundle.Picture.Width), Height: uint32(e.bundle.Picture.Height),
			Fit: fits[e.bundle.Picture.Fit], Kernel: kernels[e.bundle.Picture.Kernel],
		},
		Dimensions:  uint32(e.bundle.Dimensions()),
		Batch:       uint32(min(max(e.bundle.Picture.Batch, leastCall), mostCall)),
		Provider:    e.pictures.about.GetProvider(),
		Precision:   e.pictures.about.GetPrecision(),
		MatchFloor:  e.bundle.Score.MatchFloor,
		Sessions:    []*contract.Session{e.pictures.about, e.texts.about},
		Preparation: e.loader.preparation(),
	}
	if e.bundle.Features != nil {
		e.about.FeatureType, e.about.FeatureSpace = e.bundle.Features.Type, e.bundle.FeatureSpace()
		e.about.LearnedTags = e.pictures.projection.learned.list()
		e.about.FeatureBytes = uint32(feature.Bytes(e.bundle.Widths()))
	}
}

// Describe answers from the manifest and from what was found when it was loaded.
func (e *Encoder) Describe(context.Context) (*contract.EncoderDescription, error) {
	return e.about, nil
}

// EncodePictures encodes uint8 RGB pictures of the described size.
func (e *Encoder) EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	return e.pictures.encode(ctx, pictures)
}

// Project gives the vectors and learned tags of stored features, bit for bit those
// that EncodePictures gave with them.
func (e *Encoder) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	return e.pictures.projection.project(ctx, features)
}

// EncodeTexts encodes sentences; what a sentence has beyond the context is not read.
func (e *Encoder) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	embeddings := make([]*contract.Embedding, len(texts))
	for i, text := range texts {
		vector, err := e.texts.encode(ctx, text)
		if err != nil {
			return nil, err
		}
		embeddings[i] = &contract.Embedding{Vector: vector}
	}
	return embeddings, nil
}

// Unload frees the picture graph until the next EncodePictures.
func (e *Encoder) Unload(context.Context) error { return e.pictures.unload() }
