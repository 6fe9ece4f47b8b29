// Command vsed-decoder-vips is vsed's photo decoder: a plugin that vsed starts,
// once for each core. By hand it can be asked to measure itself and to prove its
// sandbox.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"vsed/plugins/contract"
	"vsed/plugins/decoder"
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sandbox"
	"vsed/plugins/sdk"
)

const usageText = `usage: vsed-decoder-vips [LIMITS]                   serve vsed, which starts it by itself
       vsed-decoder-vips --measure FILE...          print CPU milliseconds of each step for these JPEGs
       vsed-decoder-vips --probe-sandbox [LIMITS]   enter the sandbox, try to leave it, decode in it

limits:
  --max-megapixels N     refuse larger photos, 1 to %d (%d)
  --max-memory BYTES     of the process (%d)
  --recycle-photos N     ask to be replaced after so many photos, 0: never (%d)
  --recycle-memory BYTES ask to be replaced when so much is held between two photos, 0: never (%d)
  --require-sandbox      do not start where the sandbox is weaker than the kernel allows
`

func usage() string {
	return fmt.Sprintf(usageText, contract.MostMegapixels, contract.DecoderMegapixels, contract.DecoderMemory, contract.DecoderRecyclePhotos, contract.DecoderRecycleMemory)
}

func main() {
	options, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage())
	case err != nil:
		fmt.Fprintf(os.Stderr, "vsed-decoder-vips: %v\n%s", err, usage())
		os.Exit(2)
	case options.measure || options.probe:
		os.Exit(byHand(options, os.Stdout, os.Stderr))
	default:
		// One photo at a time: a second processor for gRPC is all that is of use.
		runtime.GOMAXPROCS(2)
		sdk.ServeDecoder(func(log *slog.Logger) (sdk.DecoderServer, error) { return newConfined(options, log) })
	}
}

type options struct {
	limits         decoder.Limits
	requireSandbox bool
	probe, measure bool
	files          []string // to measure
}

func parse(arguments []string) (options, error) {
	o := options{limits: decoder.DefaultLimits()}
	flags := flag.NewFlagSet("vsed-decoder-vips", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("max-megapixels", "", func(text string) error {
		var megapixels int
		_, err := fmt.Sscan(text, &megapixels)
		o.limits.Pixels = min(megapixels, 1<<20) * 1_000_000
		return err
	})
	flags.IntVar(&o.limits.Memory, "max-memory", o.limits.Memory, "")
	flags.IntVar(&o.limits.RecyclePhotos, "recycle-photos", o.limits.RecyclePhotos, "")
	flags.IntVar(&o.limits.RecycleMemory, "recycle-memory", o.limits.RecycleMemory, "")
	flags.BoolVar(&o.requireSandbox, "require-sandbox", false, "")
	flags.BoolVar(&o.probe, "probe-sandbox", false, "")
	flags.BoolVar(&o.measure, "measure", false, "")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	o.files = flags.Args()
	if o.measure != (len(o.files) > 0) || o.measure && o.probe {
		return o, errors.New("files go with --measure, and with it alone")
	}
	return o, nil
}

// confined is the decoder with the sandbox that it serves in.
type confined struct {
	*decoder.Decoder
	options options
	log     *slog.Logger
	sandbox string // as in contract.DecoderDescription, from Confine on
}

func newConfined(options options, log *slog.Logger) (*confined, error) {
	d, err := decoder.New(options.limits)
	if err != nil {
		return nil, err
	}
	return &confined{Decoder: d, options: options, log: log}, nil
}

// Describe adds what of the sandbox is not on.
func (c *confined) Describe(ctx context.Context) (*contract.DecoderDescription, error) {
	description, err := c.Decoder.Describe(ctx)
	if err == nil {
		description.Sandbox = c.sandbox
	}
	return description, err
}

// Confine enters the sandbox: all that decoding needs is loaded by now.
func (c *confined) Confine() error {
	if err := sandbox.Limit(uint64(c.options.limits.Memory)); err != nil {
		return err
	}
	state, err := sandbox.Confine(sandbox.Needs{Sockets: true})
	if err != nil {
		return err
	}
	c.sandbox = strings.Join(state.Lacking, "; ")
	if c.options.requireSandbox && state.Weak {
		return fmt.Errorf("the sandbox is required and weak: %s; allow the calls seccomp and landlock_*, or do not require it", c.sandbox)
	}
	if c.sandbox != "" {
		c.log.Warn("decoding with a part of the sandbox only", "lacking", c.sandbox)
	}
	return nil
}

// byHand returns the exit status: 0, or 1 for a failure.
func byHand(options options, output, problems io.Writer) int {
	var err error
	if options.measure {
		err = measure(options, output)
	} else {
		err = probe(options, output, problems)
	}
	if err != nil {
		fmt.Fprintln(problems, "vsed-decoder-vips:", err)
		return 1
	}
	return 0
}

func measure(options options, output io.Writer) error {
	d, err := decoder.New(options.limits)
	if err != nil {
		return err
	}
	measured, err := d.Measure(options.files)
	if err != nil {
		return err
	}
	return json.NewEncoder(output).Encode(measured)
}

// probe prints one JSON line; what is still possible in the sandbox is an error.
func probe(options options, output, problems io.Writer) error {
	c, err := newConfined(options, slog.New(slog.NewTextHandler(problems, nil)))
	if err != nil {
		return err
	}
	if err := c.Confine(); err != nil {
		return err
	}
	possible := sandbox.Probe()
	decodes := c.CheckSamples()
	report := struct {
		Formats  []string `json:"formats"`
		Loaders  []string `json:"loaders"`
		Possible []string `json:"possible"`
		Sandbox  string   `json:"sandbox"`
		Decodes  bool     `json:"decodes"`
	}{c.Formats(), vips.OpenLoaders(), possible, c.sandbox, decodes == nil}
	if err := json.NewEncoder(output).Encode(report); err != nil {
		return err
	}
	if len(possible) > 0 {
		return fmt.Errorf("in the sandbox it is still possible to %s", strings.Join(possible, ", to "))
	}
	return decodes
}
