package features

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	onnxruntime "vsed/encoders/runtime"
	"vsed/plugins/host"
)

// Places say where vsed's parts are.
type Places struct {
	Binaries string // folder of the built programs
	Bundle   string // folder of the encoder
	Library  string // libonnxruntime; empty: where the encoder looks for it
}

// Encoders are a bundle's two sides: the plugins of the daemon for photos, and the
// text side before its projection, which no plugin gives, in this process.
type Encoders struct {
	Camera    Camera
	Sentences *encoder.Sentences
	Origin    Origin

	pictures *host.EncoderHost
	decoders []*host.DecoderHost
}

// OpenEncoders starts them. The caller must Close it.
func OpenEncoders(ctx context.Context, places Places) (*Encoders, error) {
	read, err := bundle.Read(places.Bundle)
	if err != nil {
		return nil, fmt.Errorf("%w; `make model` makes the built-in one", err)
	}
	e := &Encoders{}
	if err := e.open(ctx, places, read); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Encoders) open(ctx context.Context, places Places, read *bundle.Bundle) error {
	log := slog.New(slog.DiscardHandler)
	arguments := []string{"--bundle", places.Bundle}
	if places.Library != "" {
		arguments = append(arguments, "--library", places.Library)
	}
	e.pictures = host.NewEncoder(host.Command{
		Kind: host.Encoder, Name: "encoder", Path: filepath.Join(places.Binaries, "vsed-encoder-onnx"), Args: arguments,
	}, host.Policy{}, log)
	about, err := e.pictures.Describe(ctx)
	if err != nil {
		return err
	}
	for range runtime.NumCPU() {
		e.decoders = append(e.decoders, host.NewDecoder(host.Command{
			Kind: host.Decoder, Name: "decoder", Path: filepath.Join(places.Binaries, "vsed-decoder-vips"),
		}, host.Policy{}, log))
	}
	library, err := onnxruntime.Load(onnxruntime.Candidates(places.Library, filepath.Join(places.Binaries, "vsed-encoder-onnx")))
	if err != nil {
		return err
	}
	if e.Sentences, err = encoder.OpenSentences(ctx, read.Path("."), read.Text, library); err != nil {
		return err
	}
	trial, err := e.Sentences.Feature(ctx, "a dog on a beach")
	if err != nil {
		return err
	}
	e.Origin = Origin{Space: read.FeatureSpace(), Encoder: read.Name, Bundle: read.Digest(), Widths: read.Widths(), TextWidth: len(trial)}
	if read.Features == nil {
		e.Origin.Widths = []int{read.Dimensions()}
	}
	e.Camera = Camera{Encoder: e.pictures, Format: about.GetPicture(), Batch: int(max(1, about.GetBatch()))}
	for _, decoder := range e.decoders {
		e.Camera.Decoders = append(e.Camera.Decoders, decoder)
	}
	return nil
}

// Close ends the processes.
func (e *Encoders) Close() (err error) {
	if e.Sentences != nil {
		err = e.Sentences.Close()
	}
	for _, decoder := range e.decoders {
		err = errors.Join(err, decoder.Close())
	}
	return errors.Join(err, e.pictures.Close())
}
