// Command vsed-encoder-onnx is an encoder plugin: it serves one bundle through
// ONNX Runtime. vsed starts it; by hand it only measures (--measure).
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

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/plugins/sdk"
)

type options struct {
	bundle  string
	library string
	threads int
	measure bool
}

func main() {
	var chosen options
	flag.StringVar(&chosen.bundle, "bundle", "", "`folder` of the encoder bundle")
	flag.StringVar(&chosen.library, "library", os.Getenv(runtime.Environment), "libonnxruntime, a `file`; where absent, build/lib, /usr/lib/vsed and the system are searched")
	flag.IntVar(&chosen.threads, "threads", 1, "`number` of threads of one run; decoding uses the other cores")
	flag.BoolVar(&chosen.measure, "measure", false, "print the CPU milliseconds of a picture and of a text as JSON, and end")
	flag.Parse()
	if chosen.measure {
		if err := printMeasure(chosen); err != nil {
			fmt.Fprintln(os.Stderr, "vsed-encoder-onnx:", err)
			os.Exit(1)
		}
		return
	}
	sdk.ServeEncoder(func(log *slog.Logger) (sdk.EncoderServer, error) { return open(chosen, log) })
}

// open loads what the options name. Its errors name their remedy: they are what
// a user sees when the encoder does not come up.
func open(chosen options, log *slog.Logger) (*encoder.Encoder, error) {
	if chosen.bundle == "" {
		return nil, errors.New("--bundle names no encoder bundle")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	read, err := bundle.Read(chosen.bundle)
	if err != nil {
		return nil, sdk.Setup("%w; `make model` makes the built-in one", err)
	}
	if err := read.Verify(); err != nil {
		return nil, sdk.Setup("%w", err)
	}
	library, err := runtime.Load(runtime.Candidates(chosen.library, program))
	if err != nil {
		return nil, sdk.Setup("%w", err)
	}
	log.Debug("encoder", "name", read.Name, "space", read.Space(), "onnxruntime", library.Version)
	return encoder.Open(read, library, chosen.threads)
}

func printMeasure(chosen options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	loaded, err := open(chosen, slog.New(slog.DiscardHandler))
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
