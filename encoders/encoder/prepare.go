package encoder

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
)

// Prepare builds the TensorRT engines that Open would use and does not find. An
// engine whose golden vectors are wrong is set aside, and the next precision is
// tried; where all are, Open keeps to the next provider. Once one has passed, those
// of another driver, TensorRT or model are deleted, unless an encoder runs on them, as
// the one before an upgrade does.
func Prepare(ctx context.Context, b *bundle.Bundle, library *runtime.Library, options Options, report func(contract.Progress)) error {
	options = options.withDefaults()
	if options.Cache == "" {
		return errors.New("no folder for engines is named; name one with --cache")
	}
	options.AllowCPUFallback = true
	precisions := newEngines(b, library, options.Cache).precisions()
	var current []string
	for i, half := range precisions {
		report(contract.Progress{Step: "building TensorRT engines in " + precisionName(half), Done: i, Total: len(precisions)})
		folders, refusal, err := build(ctx, b, library, options, half)
		if err != nil {
			return fmt.Errorf("build TensorRT engines: %w", err)
		}
		for _, folder := range folders {
			current = append(current, filepath.Base(folder))
		}
		if refusal == nil {
			removeStale(options, current)
			break
		}
		options.Log.Warn("a TensorRT engine is set aside", "precision", precisionName(half), "reason", refusal)
	}
	report(contract.Progress{Step: "TensorRT engines are built", Done: len(precisions), Total: len(precisions)})
	return nil
}

func precisionName(half bool) string {
	if half {
		return "float16"
	}
	return "float32"
}

// removeStale deletes the engines of a cache other than those in the current folders.
// Those that stay only take room.
func removeStale(options Options, current []string) {
	stale, err := runtime.StaleEngines(options.Cache, current...)
	for _, folder := range stale {
		err = errors.Join(err, removeUnused(folder))
	}
	if err != nil {
		options.Log.Warn("old TensorRT engines are left", "error", err)
	}
}

// build makes the engines of one precision, judges them by the golden vectors and
// marks their folders. A refusal is why they are not to be used.
func build(ctx context.Context, b *bundle.Bundle, library *runtime.Library, options Options, half bool) (folders []string, refusal, err error) {
	e := &Encoder{bundle: b, loader: newLoader(b, library, options)}
	e.loader.engines.half = &half
	if err := e.open(ctx); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	folders = e.loader.engines.used
	if len(folders) == 0 {
		return nil, nil, errors.New("TensorRT cannot be used: " + e.pictures.about.GetFallback())
	}
	refusal = e.checkGolden(ctx)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	for _, folder := range folders {
		if err := mark(folder, refusal); err != nil {
			return nil, nil, err
		}
	}
	return folders, refusal, nil
}

// checkGolden compares what the encoder gives with the golden vectors.
func (e *Encoder) checkGolden(ctx context.Context) error {
	golden, err := e.Golden(ctx)
	if err != nil {
		return err
	}
	for i, picture := range golden.Pictures {
		found, err := e.EncodePictures(ctx, [][]byte{picture.Pixels})
		if err != nil {
			return err
		}
		if cosine := dot(found[0].Vector, picture.Vector); !(cosine >= golden.Tolerance) {
			return fmt.Errorf("picture %d has a cosine of %.4f to its golden vector, %g is needed", i, cosine, golden.Tolerance)
		}
	}
	for i, text := range golden.Texts {
		found, err := e.EncodeTexts(ctx, []string{text.Text})
		if err != nil {
			return err
		}
		if cosine := dot(found[0].Vector, text.Vector); !(cosine >= golden.Tolerance) {
			return fmt.Errorf("text %d has a cosine of %.4f to its golden vector, %g is needed", i, cosine, golden.Tolerance)
		}
	}
	return nil
}

func dot(a, b []float32) float64 {
	var sum float64
	for i, value := range a {
		sum += float64(value) * float64(b[i])
	}
	return sum
}
