// Command vsed-decoder-vips is vsed's photo decoder: a plugin that vsed starts,
// once for each core. By hand it can be asked to measure itself and to prove its
// sandbox.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"vsed/plugins/decoder"
	"vsed/plugins/decoder/sandbox"
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

const usage = `usage: vsed-decoder-vips                   serve vsed, which starts it by itself
       vsed-decoder-vips --measure FILE... print CPU milliseconds of each step for these JPEGs
       vsed-decoder-vips --probe-sandbox   enter the sandbox, try to leave it, decode in it
`

func main() {
	if len(os.Args) > 1 {
		os.Exit(byHand(os.Args[1:], os.Stdout, os.Stderr))
	}
	// One photo at a time: a second processor for gRPC is all that is of use.
	runtime.GOMAXPROCS(2)
	sdk.ServeDecoder(newConfined)
}

// confined is the decoder with the sandbox that it serves in.
type confined struct {
	*decoder.Decoder
	log *slog.Logger
}

func newConfined(log *slog.Logger) (sdk.DecoderServer, error) {
	d, err := decoder.New(decoder.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return &confined{d, log}, nil
}

// Confine enters the sandbox: all that decoding needs is loaded by now.
func (c *confined) Confine() error {
	if err := sandbox.Limit(decoder.DataLimit); err != nil {
		return err
	}
	return sandbox.Confine(c.log)
}

// byHand returns the exit status: 0, 1 for a failure, 2 for wrong usage.
func byHand(arguments []string, output, problems io.Writer) int {
	var err error
	switch {
	case arguments[0] == "--measure" && len(arguments) > 1:
		err = measure(arguments[1:], output)
	case arguments[0] == "--probe-sandbox" && len(arguments) == 1:
		err = probe(output, problems)
	case arguments[0] == "--help":
		fmt.Fprint(output, usage)
	default:
		fmt.Fprint(problems, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(problems, "vsed-decoder-vips:", err)
		return 1
	}
	return 0
}

func measure(paths []string, output io.Writer) error {
	d, err := decoder.New(decoder.DefaultLimits())
	if err != nil {
		return err
	}
	measured, err := d.Measure(paths)
	if err != nil {
		return err
	}
	return json.NewEncoder(output).Encode(measured)
}

// probe prints one JSON line; what is still possible in the sandbox is an error.
func probe(output, problems io.Writer) error {
	server, err := newConfined(slog.New(slog.NewTextHandler(problems, nil)))
	if err != nil {
		return err
	}
	c := server.(*confined)
	if err := c.Confine(); err != nil {
		return err
	}
	possible := sandbox.Probe()
	decodes := c.CheckSamples()
	report := struct {
		Formats  []string `json:"formats"`
		Loaders  []string `json:"loaders"`
		Possible []string `json:"possible"`
		Decodes  bool     `json:"decodes"`
	}{c.Formats(), vips.OpenLoaders(), possible, decodes == nil}
	if err := json.NewEncoder(output).Encode(report); err != nil {
		return err
	}
	if len(possible) > 0 {
		return fmt.Errorf("in the sandbox it is still possible to %s", strings.Join(possible, ", to "))
	}
	return decodes
}
