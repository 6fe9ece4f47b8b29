// Command vsed-encoder-fake is a real encoder plugin without a model, for tests
// of whoever calls encoders. Its vectors are easy to foresee: a picture's mean
// colour and a text's colour words lie on the same three axes, so that a red
// picture is found by "red". Its flags make it fail in the ways that plugins do.
//
// It belongs into no package that users install.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"vsed/plugins/sdk"
)

const usage = `vsed-encoder-fake is an encoder plugin for tests, started by vsed or a test.

Vectors: the first three dimensions are red, green and blue. A picture has its
mean colour there, each channel from 0 (black) to 1, and a trace of the picture's
digest in the others. A text has 1 for each of the words red, green, blue, and
for yellow, cyan, magenta, white, grey and black what they are made of; each
other word adds a trace by its digest. All is then scaled to length 1. Pictures
are squares, squash, linear. A feature is the vector as float32, little-endian.
Learned tags are as sure as a picture is red, green and blue, in their order.

Flags:
`

type options struct {
	space          string
	dimensions     int
	side           int
	batch          int
	noFeatures     bool
	head           float64
	dieAtStart     bool
	slowStart      time.Duration
	badDescription string
	featureSpace   string
	learnedTags    string
	badTags        string

	crashOn        int64
	crashIf        string
	crashOnPicture colour
	crashOnText    string
	hangOnPicture  colour
	hang           bool
	hangOnText     string
	slow           time.Duration
	panicOnText    string
	setupOnText    string
	failPreparing  bool
	diePreparing   bool
	slowPreparing  time.Duration
	engine         string

	nan       bool
	long      bool
	wrongSize bool
	lose      bool
	reverse   bool
	random    bool
	idle      bool
	huge      bool
	noisy     bool

	constant        bool
	changed         bool
	inverted        bool
	provider        string
	missingProvider string
	fallback        string
	wrongEngine     bool
	memory          int
	outOfMemory     bool
}

func main() {
	options, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	if sdk.PrepareIfAsked(options.prepare) {
		return
	}
	sdk.ServeEncoder(func(log *slog.Logger) (sdk.EncoderServer, error) {
		if options.dieAtStart {
			return nil, fmt.Errorf("dying at start as told by --die-at-start")
		}
		if provider := options.missingProvider; provider != "" {
			return nil, sdk.Setup("libfake.so has no provider %s; install a build that has it, or take it out of encoder.providers", provider)
		}
		time.Sleep(options.slowStart)
		options.useEngine()
		return newEncoder(options, log), nil
	})
}

func parse(arguments []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("vsed-encoder-fake", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	flags.Usage = func() {}
	flags.StringVar(&o.space, "space", "fake-1", "`name` of the vectors' space")
	flags.IntVar(&o.dimensions, "dimensions", 16, "length of a vector, 4 or more")
	flags.IntVar(&o.side, "side", 32, "width and height of a picture in `pixels`")
	flags.IntVar(&o.batch, "batch", 8, "pictures in a batch")
	flags.BoolVar(&o.noFeatures, "no-features", false, "have no features, and no Project")
	flags.Float64Var(&o.head, "head", 1, "`factor` of the traces on the way from a picture's feature to its vector")

	flags.BoolVar(&o.dieAtStart, "die-at-start", false, "exit with status 1 instead of starting")
	flags.DurationVar(&o.slowStart, "slow-start", 0, "`time` to load for")
	flags.StringVar(&o.badDescription, "bad-description", "", "describe itself with a wrong `field`: space, dimensions, picture, batch, floor, digest, feature, feature-space, tags or name")
	flags.StringVar(&o.featureSpace, "feature-space", "", "`name` of the features' space; without one it goes by --dimensions")
	flags.StringVar(&o.learnedTags, "learned-tags", "", "up to three `tags`, with commas between them")
	flags.StringVar(&o.badTags, "bad-tags", "", "answer with learned tags of a `kind` that is wrong: place, zero, above, nan, order, twice, many, text or projection")

	flags.Int64Var(&o.crashOn, "crash-on", 0, "exit with status 3 in the `N`th call with pictures")
	flags.StringVar(&o.crashIf, "crash-if", "", "exit with status 3 in each call with pictures while this `file` exists")
	flags.Var(&o.crashOnPicture, "crash-on-picture", "exit with status 3 on a picture whose first pixel is `RRGGBB`, or whose SHA-256 is these 64 digits")
	flags.StringVar(&o.crashOnText, "crash-on-text", "", "exit with status 3 on this `text`")
	flags.Var(&o.hangOnPicture, "hang-on-picture", "never answer for such a picture, named as for --crash-on-picture")
	flags.BoolVar(&o.hang, "hang", false, "never answer a call with pictures")
	flags.StringVar(&o.hangOnText, "hang-on-text", "", "never answer this `text`")
	flags.DurationVar(&o.slow, "slow", 0, "`time` that each call takes, or until it is cancelled")
	flags.StringVar(&o.panicOnText, "panic-on-text", "", "panic on this `text`")
	flags.StringVar(&o.setupOnText, "setup-on-text", "", "answer this `text` as a plugin that is set up wrongly")

	flags.BoolVar(&o.failPreparing, "fail-preparing", false, "fail half-way through a preparation")
	flags.BoolVar(&o.diePreparing, "die-preparing", false, "kill itself half-way through a preparation, as for want of memory")

	flags.DurationVar(&o.slowPreparing, "slow-preparing", 0, "`time` that a step of a preparation takes")
	flags.StringVar(&o.engine, "engine", "", "have something to prepare: this `file`; once it is there, run on tensorrt, and only then be wrong by --wrong-engine")

	flags.BoolVar(&o.nan, "nan", false, "answer with vectors that hold NaN")
	flags.BoolVar(&o.long, "long", false, "answer with vectors of length 2")
	flags.BoolVar(&o.wrongSize, "wrong-size", false, "answer with one dimension too many")
	flags.BoolVar(&o.lose, "lose", false, "answer with one embedding too few")
	flags.BoolVar(&o.reverse, "reverse", false, "answer in the reverse order")
	flags.BoolVar(&o.random, "random", false, "answer with a different vector each time")
	flags.BoolVar(&o.idle, "idle", false, "do not look at pictures, to measure all else; every vector is the same")
	flags.BoolVar(&o.huge, "huge", false, "answer pictures with a feature of 80 MiB")
	flags.BoolVar(&o.noisy, "noisy", false, "write 10,000 lines, hostile ones among them, to each stream in each call")

	flags.BoolVar(&o.constant, "constant", false, "answer every input with one vector")
	flags.BoolVar(&o.changed, "changed", false, "answer with other vectors than the golden ones, as a changed model does")
	flags.BoolVar(&o.inverted, "inverted", false, "pair its golden pictures with sentences that do not describe them")
	flags.StringVar(&o.provider, "provider", "cpu", "`name` of the provider that was asked for; it runs unless there is a --fallback")
	flags.StringVar(&o.missingProvider, "missing-provider", "", "refuse to start for want of this `provider`")
	flags.StringVar(&o.fallback, "fallback", "", "run on the CPU for this `reason`; \"silent\" gives none")
	flags.BoolVar(&o.wrongEngine, "wrong-engine", false, "answer pictures as an engine that was built wrongly does")
	flags.IntVar(&o.memory, "memory", 0, "hold this many `MiB` from the first picture to an unload")
	flags.BoolVar(&o.outOfMemory, "out-of-memory", false, "be killed in a call with pictures, as for want of memory")
	err := flags.Parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		fmt.Print(usage)
		flags.PrintDefaults()
	}
	if err == nil && o.dimensions < 4 {
		err = errors.New("--dimensions must be 4 or more")
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}
