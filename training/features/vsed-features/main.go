// Command vsed-features computes the features of a data set's photos and sentences
// into a file, through the decoder and the encoder that vsed uses. It may be ended at
// any time: the next run takes up what is missing. A file may hold several sets whose
// photos have different names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"vsed/training/dataset"
	"vsed/training/features"
)

// say is how often progress is told.
const say = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-features:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, output io.Writer) (err error) {
	var source dataset.Source
	var places features.Places
	flags := flag.NewFlagSet("vsed-features", flag.ContinueOnError)
	flags.SetOutput(output)
	out := flags.String("out", "", "`file` of the features; what it holds already is kept")
	flags.StringVar(&source.Form, "form", "", "`form` of the set: "+strings.Join(dataset.Forms(), ", "))
	flags.StringVar(&source.Labels, "labels", "", "`file` with its captions or tags")
	flags.StringVar(&source.Photos, "photos", "", "`folder` of its photos")
	flags.StringVar(&source.Only, "only", "", "`file` with the names of the photos to take")
	flags.StringVar(&places.Binaries, "binaries", "bin", "`folder` of the built programs")
	flags.StringVar(&places.Bundle, "bundle", "build/encoders/builtin", "`folder` of the encoder")
	flags.StringVar(&places.Library, "library", "", "libonnxruntime, a `file`; where absent, build/lib, /usr/lib/vsed and the system are searched")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *out == "" || source.Photos == "" {
		return errors.New("--out and --photos must be given")
	}
	set, err := source.Load()
	if err != nil {
		return err
	}
	if places.Binaries, err = filepath.Abs(places.Binaries); err != nil {
		return err
	}
	encoders, err := features.OpenEncoders(ctx, places)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, encoders.Close()) }()
	return compute(ctx, encoders, *out, source.Photos, set, output)
}

func compute(ctx context.Context, encoders *features.Encoders, out, photos string, set dataset.Set, output io.Writer) (err error) {
	store, err := features.Create(out, encoders.Origin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	begun := time.Now()
	said := begun
	report := func(progress features.Progress) {
		if time.Since(said) >= say {
			said = time.Now()
			fmt.Fprintln(output, progress)
		}
	}
	refused, err := store.AddPictures(ctx, encoders.Camera, photos, set.Names(), report)
	for _, one := range refused {
		fmt.Fprintf(output, "refused: %s: %s\n", one.Name, one.Reason)
	}
	if err != nil {
		return err
	}
	texts := set.Texts()
	if err := store.AddSentences(ctx, encoders.Sentences, runtime.NumCPU(), texts, report); err != nil {
		return err
	}
	fmt.Fprintf(output, "%s holds the features of %d photos and %d texts, %d photos refused, after %v\n",
		out, len(set)-len(refused), len(texts), len(refused), time.Since(begun).Round(time.Second))
	return nil
}
