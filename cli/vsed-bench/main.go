// Command vsed-bench measures the built programs: one JSON line a figure, after
// one that names the machine. It starts real daemons on real folders; a peer,
// or the machine's own limit, runs in the same minutes, in turns with ours.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// options is what a measurement needs to know.
type options struct {
	binaries string // folder of the programs
	work     string // folder for photos, states and models; kept, so that a second run is quick
	photos   string // 12-megapixel JPEGs; empty: made below work
	python   string // with Pillow, NumPy and onnxruntime, for the peers
	peers    string // folder of the peers' programs
	runs     int    // in turns, of each side
}

// A figure is one line of output. Peer fields are empty where nothing was
// compared; Ratio is better the higher it is.
type figure struct {
	Bench     string    `json:"bench"`
	Value     float64   `json:"value"`
	Unit      string    `json:"unit"`
	Peer      string    `json:"peer,omitempty"`
	PeerValue float64   `json:"peer_value,omitempty"`
	Ratio     float64   `json:"ratio,omitempty"`
	Spread    []float64 `json:"ratio_spread,omitempty"` // lowest and highest ratio of a turn
	Target    string    `json:"target"`
	OK        bool      `json:"ok"`
	Note      string    `json:"note,omitempty"`
}

// A bench measures; its name is what --only matches.
type bench struct {
	name string
	run  func(ctx context.Context, o options, report func(figure)) error
}

func benches() []bench {
	return append(vectorBenches(), []bench{{"ingest", benchIngest}, {"library", benchLibrary}, {"encoder", benchEncoder}, {"query", benchQuery}, {"apply", benchApply}, {"training", benchTraining}, {"learning", benchLearning}}...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("vsed-bench", flag.ContinueOnError)
	only := flags.String("only", "", "run the benches whose name matches this `regex`: ingest, library, encoder, vector, query, apply, training, learning")
	flags.StringVar(&o.binaries, "binaries", "bin", "`folder` of the built programs")
	flags.StringVar(&o.work, "work", "build/bench", "`folder` for photos and states; kept")
	flags.StringVar(&o.photos, "photos", "", "`folder` of 12-megapixel JPEGs; empty: 200 are made")
	flags.StringVar(&o.python, "python", "python3", "interpreter for the peers")
	flags.StringVar(&o.peers, "peers", "../shared/peers", "`folder` of the peers' programs")
	flags.IntVar(&o.runs, "runs", 7, "`turns` of each comparison")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if err := o.absolute(); err != nil {
		return err
	}
	lines := json.NewEncoder(stdout)
	lines.SetEscapeHTML(false) // ">=" is for reading
	if err := lines.Encode(describeMachine(ctx, o)); err != nil {
		return err
	}
	for _, one := range benches() {
		if !wanted.MatchString(one.name) {
			continue
		}
		var failed error
		report := func(f figure) { failed = lines.Encode(f) }
		if err := one.run(ctx, o, report); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

func (o *options) absolute() (err error) {
	for _, path := range []*string{&o.binaries, &o.work, &o.photos, &o.peers} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return os.MkdirAll(o.work, 0o755)
}

func (o options) program(name string) string { return filepath.Join(o.binaries, name) }
