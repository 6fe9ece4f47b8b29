// Command vsed-training-eval measures what is learned, on the sets of photos kept for
// development, from features that vsed-features has computed: the tables of
// docs/learning.md. The photos of a test split choose nothing and are not read.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

type options struct {
	data     string // folder of the sets
	features string // folder of their features
	seeds    int
}

// A row is a line of the table: a value over seeds.
type row struct {
	Part      string    `json:"part"`
	What      string    `json:"what"`
	Measure   string    `json:"measure"`
	Values    []float64 `json:"values"` // a seed each
	Mean      float64   `json:"mean"`
	Deviation float64   `json:"deviation"`
}

// An evaluation is a part of the table; its name is what --only matches.
type evaluation struct {
	name string
	run  func(ctx context.Context, o options, add func(what, measure string, values ...float64) error) error
}

func evaluations() []evaluation { return []evaluation{{"channel", channel}} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-training-eval:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("vsed-training-eval", flag.ContinueOnError)
	only := flags.String("only", "", "run the evaluations whose name matches this regex: channel")
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	flags.StringVar(&o.data, "data", "../shared/data", "`folder` with flickr8k and corel5k")
	flags.StringVar(&o.features, "features", "build/training", "`folder` with the features of both, as vsed-features writes them")
	flags.IntVar(&o.seeds, "seeds", 3, "`number` of draws of the photos that are learned from")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if _, err := os.Stat(o.data); err != nil {
		return fmt.Errorf("the photos kept for development are not here: name their folder with --data: %w", err)
	}
	for _, one := range evaluations() {
		if !wanted.MatchString(one.name) {
			continue
		}
		add := func(what, measure string, values ...float64) error {
			return print(stdout, *asJSON, summary(one.name, what, measure, values))
		}
		if err := one.run(ctx, o, add); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

func print(output io.Writer, asJSON bool, line row) error {
	if asJSON {
		return json.NewEncoder(output).Encode(line)
	}
	_, err := fmt.Fprintf(output, "%-10s %-48s %-12s %7.2f ± %.2f  %.2f\n", line.Part, line.What, line.Measure, line.Mean, line.Deviation, line.Values)
	return err
}
