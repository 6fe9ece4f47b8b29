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
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// callBatch is how many pictures a call should bring: enough that the call's own
// cost vanishes, few enough that a batch ends soon.
const callBatch = 8

// Encoder is an encoder in memory. Its methods may be called at the same time:
// pictures wait for pictures only, and texts for texts, so a search never waits
// behind a queue of photos.
type Encoder struct {
	bundle   *bundle.Bundle
	pictures *pictureSide
	texts    *textSide
}

var _ sdk.EncoderServer = (*Encoder)(nil)

// Open loads the bundle's graphs and checks what they take and give against the
// manifest. Threads are those of one run.
func Open(b *bundle.Bundle, library *runtime.Library, threads int) (*Encoder, error) {
	options := runtime.Options{Threads: threads}
	pictures, err := openPictures(b, library, options)
	if err != nil {
		return nil, fmt.Errorf("picture side of encoder %s: %w", b.Name, err)
	}
	texts, err := openTexts(b, library, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("text side of encoder %s: %w", b.Name, err), pictures.close())
	}
	return &Encoder{b, pictures, texts}, nil
}

// Close frees the graphs; no call may be under way or follow.
func (e *Encoder) Close() error { return errors.Join(e.pictures.close(), e.texts.close()) }

var fits = map[string]contract.Fit{"squash": contract.Fit_FIT_SQUASH, "crop": contract.Fit_FIT_CROP, "pad": contract.Fit_FIT_PAD}

var kernels = map[string]contract.Kernel{
	"linear": contract.Kernel_KERNEL_LINEAR, "cubic": contract.Kernel_KERNEL_CUBIC, "lanczos3": contract.Kernel_KERNEL_LANCZOS3,
}

// Describe answers from the manifest.
func (e *Encoder) Describe(context.Context) (*contract.EncoderDescription, error) {
	description := &contract.EncoderDescription{
		Name:         e.bundle.Name,
		Version:      e.bundle.Version,
		Space:        e.bundle.Space(),
		BundleDigest: e.bundle.Digest(),
		Picture: &contract.PictureFormat{
			Width: uint32(e.bundle.Picture.Width), Height: uint32(e.bundle.Picture.Height),
			Fit: fits[e.bundle.Picture.Fit], Kernel: kernels[e.bundle.Picture.Kernel],
		},
		Dimensions: uint32(e.bundle.Dimensions()),
		Batch:      callBatch,
		Provider:   "cpu",
		Precision:  e.bundle.Precision,
		MatchFloor: e.bundle.Score.MatchFloor,
	}
	if e.bundle.Features != nil {
		description.FeatureType = e.bundle.Features.Type
		description.FeatureBytes = uint32(featureBytes(e.bundle.Widths()))
	}
	return description, nil
}

// EncodePictures encodes uint8 RGB pictures of the described size.
func (e *Encoder) EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	return e.pictures.encode(ctx, pictures)
}

// Project gives the vectors of stored features, bit for bit those that
// EncodePictures gave with them.
func (e *Encoder) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	vectors, err := e.pictures.project(ctx, features)
	if err != nil {
		return nil, err
	}
	embeddings := make([]*contract.Embedding, len(vectors))
	for i, vector := range vectors {
		embeddings[i] = &contract.Embedding{Vector: vector}
	}
	return embeddings, nil
}

// Golden gives the bundle's golden inputs and vectors.
func (e *Encoder) Golden(context.Context) (*contract.GoldenResponse, error) {
	return nil, fmt.Errorf("golden inputs: %w", errors.ErrUnsupported)
}

// Unload does nothing: the picture graph stays.
func (e *Encoder) Unload(context.Context) error { return nil }

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

// graph is a session that one caller uses at a time, so that its memory is that
// of one run.
type graph struct {
	turn    sync.Mutex
	session *runtime.Session
}

// openGraph loads a model and checks its first output.
func openGraph(path string, library *runtime.Library, options runtime.Options) (*graph, error) {
	session, err := library.Open(path, options)
	if err != nil {
		return nil, err
	}
	if len(session.Outputs) == 0 || session.Outputs[0].Type != "float32" {
		return nil, errors.Join(fmt.Errorf("%s does not give float32", path), session.Close())
	}
	return &graph{session: session}, nil
}

// run gives the first output.
func (g *graph) run(ctx context.Context, inputs ...runtime.Tensor) (runtime.Tensor, error) {
	g.turn.Lock()
	defer g.turn.Unlock()
	outputs, err := g.session.Run(ctx, inputs...)
	if err != nil {
		return runtime.Tensor{}, err
	}
	return outputs[0], nil
}

// values gives the first output, which must have this many values.
func (g *graph) values(ctx context.Context, want int, inputs ...runtime.Tensor) ([]float32, error) {
	output, err := g.run(ctx, inputs...)
	if err != nil {
		return nil, err
	}
	values, err := output.Float32s()
	if err == nil && len(values) != want {
		err = fmt.Errorf("output %q has %d values, not %d", g.session.Outputs[0].Name, len(values), want)
	}
	return values, err
}

func (g *graph) close() error {
	if g == nil {
		return nil
	}
	return g.session.Close()
}
