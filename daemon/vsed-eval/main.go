// Command vsed-eval measures how well searches find what is known to be there, on
// the sets of photos kept for development. The photos are decoded and encoded by a
// real daemon, once: its state stays in the work folder. What a figure means stands
// in docs/search.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// options is what an evaluation needs to know.
type options struct {
	binaries string // folder of the programs
	data     string // folder of the sets
	work     string // folder for the state and the sentences' vectors; kept
	bundle   string // folder of the encoder
}

// An evaluation is a part of the table; its name is what --only matches.
type evaluation struct {
	name string
	run  func(ctx context.Context, s *set, t *table) error
}

func evaluations() []evaluation {
	return []evaluation{{"captions", captions}, {"hybrid", hybrid}, {"language", language}, {"learned", learned}, {"match", match}}
}

// tuning is asked for by its name only: it is how a constant was chosen.
var tuning = evaluation{"tune", tune}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-eval:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("vsed-eval", flag.ContinueOnError)
	only := flags.String("only", "", "run the evaluations whose name matches this regex: captions, hybrid, language, learned, match; `tune` alone shows how the words' weight was chosen")
	asJSON := flags.Bool("json", false, "print a JSON object a figure")
	flags.StringVar(&o.binaries, "binaries", "bin", "`folder` of the built programs")
	flags.StringVar(&o.data, "data", "../shared/data", "`folder` with flickr8k and corel5k")
	flags.StringVar(&o.work, "work", "build/eval", "`folder` for the encoded photos; kept")
	flags.StringVar(&o.bundle, "bundle", "build/encoders/builtin", "`folder` of the encoder")
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
	if _, err := os.Stat(o.data); err != nil {
		return fmt.Errorf("the photos kept for development are not here: name their folder with --data: %w", err)
	}
	return measure(ctx, o, wanted, &table{out: stdout, json: *asJSON})
}

func measure(ctx context.Context, o options, wanted *regexp.Regexp, t *table) (err error) {
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, s.close()) }()
	all := evaluations()
	if wanted.String() == tuning.name {
		all = []evaluation{tuning}
	}
	for _, one := range all {
		if !wanted.MatchString(one.name) {
			continue
		}
		t.section = one.name
		if err := one.run(ctx, s, t); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

func (o *options) absolute() (err error) {
	for _, path := range []*string{&o.binaries, &o.data, &o.work, &o.bundle} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return os.MkdirAll(o.work, 0o755)
}
