// Command vsed-views computes the features of other views of photos, mirrored and cut
// out, into a file a view, for training to draw from: a head that sees one form of each
// photo only learns that form by heart. The photos themselves are measured as they are.
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
	"strings"
	"time"

	"vsed/training/dataset"
	"vsed/training/features"
)

// say is how often progress is told.
const say = 5 * time.Second

type options struct {
	source dataset.Source
	places features.Places
	out    string
	count  int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-views:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, output io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("vsed-views", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&o.out, "out", "", "`file` of the features, in whose name %d stands for the view's number")
	flags.IntVar(&o.count, "count", 3, "`number` of views: the odd ones are mirrored, all but the first are cut out")
	flags.StringVar(&o.source.Form, "form", "", "`form` of the set: "+strings.Join(dataset.Forms(), ", "))
	flags.StringVar(&o.source.Labels, "labels", "", "`file` with its captions or tags")
	flags.StringVar(&o.source.Photos, "photos", "", "`folder` of its photos")
	flags.StringVar(&o.places.Binaries, "binaries", "bin", "`folder` of the built programs")
	flags.StringVar(&o.places.Bundle, "bundle", "build/encoders/builtin", "`folder` of the encoder")
	flags.StringVar(&o.places.Library, "library", "", "libonnxruntime, a `file`; where absent, build/lib, /usr/lib/vsed and the system are searched")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if !strings.Contains(o.out, "%d") || o.source.Photos == "" {
		return errors.New("--out, with %d in it, and --photos must be given")
	}
	set, err := o.source.Load()
	if err != nil {
		return err
	}
	if o.places.Binaries, err = filepath.Abs(o.places.Binaries); err != nil {
		return err
	}
	encoders, err := features.OpenEncoders(ctx, o.places)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, encoders.Close()) }()
	for number := 1; number <= o.count; number++ {
		if err := o.compute(ctx, encoders, number, set, output); err != nil {
			return fmt.Errorf("view %d: %w", number, err)
		}
	}
	return nil
}

func (o options) compute(ctx context.Context, encoders *features.Encoders, number int, set dataset.Set, output io.Writer) (err error) {
	path := strings.ReplaceAll(o.out, "%d", fmt.Sprint(number))
	store, err := features.Create(path, encoders.Origin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	said := time.Now()
	refused, err := store.AddPictures(ctx, camera(encoders.Camera, number), o.source.Photos, set.Names(), func(progress features.Progress) {
		if time.Since(said) >= say {
			said = time.Now()
			fmt.Fprintln(output, progress)
		}
	})
	if err != nil {
		return err
	}
	for _, one := range refused {
		fmt.Fprintf(output, "refused: %s: %s\n", one.Name, one.Reason)
	}
	fmt.Fprintf(output, "%s holds view %d of %d photos\n", path, number, len(set)-len(refused))
	return nil
}
