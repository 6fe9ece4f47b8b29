// Command vsed-encoder-onnx is an encoder plugin: it serves one bundle through
// ONNX Runtime. vsed starts it; by hand it only measures (--measure) and
// says what the machine has (--doctor).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"time"

	"vsed/encoders/adopt"
	"vsed/encoders/bundle"
	"vsed/encoders/confine"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sandbox"
	"vsed/plugins/sdk"
)

type options struct {
	bundle    string
	library   string
	providers string
	encoder   encoder.Options
	measure   bool
	doctor    bool
	adopt     string
	about     adopt.About
}

func main() {
	var chosen options
	flag.StringVar(&chosen.bundle, "bundle", "", "`folder` of the encoder bundle")
	flag.StringVar(&chosen.library, "library", os.Getenv(runtime.Environment), "libonnxruntime, a `file`; where absent, build/lib, /usr/lib/vsed and the system are searched")
	flag.StringVar(&chosen.providers, "providers", "", "what to run on, best first: a `list` of tensorrt, cuda and cpu; where absent, those that the library has, in this order, and the cpu alone without a GPU")
	flag.BoolVar(&chosen.encoder.AllowCPUFallback, "allow-cpu-fallback", false, "let the CPU take over what a GPU was asked for and cannot do")
	flag.IntVar(&chosen.encoder.Threads, "threads", 1, "`number` of threads of one run; decoding uses the other cores")
	flag.StringVar(&chosen.encoder.Cache, "cache", "", "`folder` for TensorRT's engines; without one TensorRT is not used")
	flag.DurationVar(&chosen.encoder.IdleUnload, "idle-unload", 10*time.Minute, "free the picture graph after this `time` without a picture; 0: never")
	flag.BoolVar(&chosen.measure, "measure", false, "print the CPU milliseconds of a picture and of a text as JSON, and end")
	flag.BoolVar(&chosen.doctor, "doctor", false, "print what this machine has for running models as JSON, and end")
	flag.StringVar(&chosen.adopt, "adopt", "", "instead of serving, make a bundle of the model in this `folder`, which lies there as on a hub, and end")
	flag.StringVar(&chosen.about.Name, "name", "", "with --adopt: the encoder's `name`; the folder's where absent")
	flag.StringVar(&chosen.about.Version, "revision", "", "with --adopt: the model's `revision`")
	flag.StringVar(&chosen.about.Licence, "licence", "", "with --adopt: the model's `licence`")
	flag.StringVar(&chosen.about.Source, "source", "", "with --adopt: `where` the model was downloaded from")
	flag.StringVar(&chosen.about.Language, "language", "", "with --adopt: the `language` of searches, as the model's tokenizer names it; eng_Latn where absent and it names any")
	flag.Parse()
	if chosen.measure {
		exitOn(printMeasure(chosen))
		return
	}
	if chosen.doctor {
		exitOn(printExamination(chosen.library))
		return
	}
	if chosen.adopt != "" {
		exitOn(adoptModel(chosen))
		return
	}
	if sdk.PrepareIfAsked(chosen.prepare) {
		return
	}
	sdk.ServeEncoder(func(log *slog.Logger) (sdk.EncoderServer, error) { return chosen.open(log) })
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "vsed-encoder-onnx:", err)
		os.Exit(1)
	}
}

// open loads what the options name. Its errors name their remedy: they are what
// a user sees when the encoder does not come up.
func (o options) open(log *slog.Logger) (*encoder.Encoder, error) {
	read, library, err := o.load(log)
	if err != nil {
		return nil, err
	}
	return encoder.Open(context.Background(), read, library, o.encoder)
}

// prepare builds engines for the bundle.
func (o options) prepare(log *slog.Logger, report func(contract.Progress)) error {
	read, library, err := o.load(log)
	if err != nil {
		return err
	}
	return encoder.Prepare(context.Background(), read, library, o.encoder, report)
}

// load reads what an encoder is opened with. On the CPU alone the process is confined
// before ONNX Runtime reads a graph; a GPU's driver wants files and calls of its own.
func (o *options) load(log *slog.Logger) (read *bundle.Bundle, library *runtime.Library, err error) {
	if o.providers != "" {
		if o.encoder.Providers, err = encoder.ParseProviders(o.providers); err != nil {
			return nil, nil, fmt.Errorf("--providers: %w", err)
		}
	}
	o.encoder.Log = log
	if o.bundle == "" {
		return nil, nil, errors.New("--bundle names no encoder bundle")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	if read, err = bundle.Read(o.bundle); err != nil {
		return nil, nil, sdk.Setup("%w; `make model` makes the built-in one", err)
	}
	if err := read.Verify(); err != nil {
		return nil, nil, sdk.Setup("%w", err)
	}
	if library, err = runtime.Load(runtime.Candidates(o.library, program)); err != nil {
		return nil, nil, sdk.Setup("%w", err)
	}
	if o.providers == "" {
		o.encoder.Providers = available(library)
	}
	if !slices.ContainsFunc(o.encoder.Providers, func(name string) bool { return name != "cpu" }) {
		if err := confine.To(o.bundle, sandbox.Needs{Listen: os.TempDir()}, log); err != nil {
			return nil, nil, err
		}
	}
	log.Debug("encoder", "name", read.Name, "space", read.Space(), "onnxruntime", library.Version)
	return read, library, nil
}

// available gives the providers that the library was built with, best first. Where
// there is no GPU nothing is missing for one.
func available(library *runtime.Library) []string {
	if !runtime.HasGPU() {
		return []string{"cpu"}
	}
	has := library.Providers()
	return slices.DeleteFunc([]string{"tensorrt", "cuda", "cpu"}, func(name string) bool { return !slices.Contains(has, name) })
}

// adoptModel makes a bundle of a downloaded model.
func adoptModel(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	library, err := runtime.Load(runtime.Candidates(o.library, program))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})) // vsed takes the last line as the reason
	if err := confine.To(o.adopt, sandbox.Needs{Write: []string{o.adopt}}, log); err != nil {
		return err
	}
	return adopt.Adopt(ctx, o.adopt, o.about, library)
}

func printMeasure(chosen options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	loaded, err := chosen.open(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	measured, err := measure(ctx, loaded)
	if err != nil {
		return errors.Join(err, loaded.Close())
	}
	if err := json.NewEncoder(os.Stdout).Encode(measured); err != nil {
		return errors.Join(err, loaded.Close())
	}
	return loaded.Close()
}
