package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"vsed/training/evaluation"
	"vsed/training/experiment"
)

// ablations measures configurations of the paper's model side by side.
type ablations struct {
	base     experiment.Config
	list     []experiment.Ablation
	seeds    uint64
	progress *progress
	ones     map[string]experiment.Stage // stage I by its key
	table    table
	lines    []experiment.Line // of the first seed
}

func runAblations(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("ablations", flag.ContinueOnError)
	path := flags.String("config", "", "`file` of the configuration that all have in common; without one that of docs/learning.md")
	only := flags.String("only", "", "those whose names match the `expression`")
	seeds := flags.Uint64("seeds", 3, "`number` of runs, with seeds from 0")
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	curves := flags.String("curves", "", "`file` for the first seed's curves, FILE.json and FILE.svg")
	drawn := flags.String("drawn", "", "of the curves only those whose names match the `expression`")
	show := flags.Bool("show", false, "print the names and the configurations instead")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	chosen, err := experiment.Chosen(experiment.Ablations(), *only)
	if err != nil {
		return err
	}
	if *show {
		for _, one := range chosen {
			fmt.Printf("# %s\n%s\n", one.Name, one.TOML)
		}
		return nil
	}
	base, err := experiment.Read(*path)
	if err != nil {
		return err
	}
	a := &ablations{base: base, list: chosen, seeds: *seeds, ones: map[string]experiment.Stage{}}
	if err := a.plan(); err != nil {
		return err
	}
	err = a.runAll(ctx) // what was measured before an error is shown, too
	if *curves != "" && err == nil {
		err = a.writeCurves(*curves, *drawn)
	}
	return errors.Join(err, a.table.print(os.Stdout, *asJSON))
}

func (a *ablations) runAll(ctx context.Context) error {
	for seed := range a.seeds {
		for _, one := range a.list {
			if err := a.run(ctx, one, seed); err != nil {
				return fmt.Errorf("%s, seed %d: %w", one.Name, seed, err)
			}
		}
	}
	return nil
}

func (a *ablations) open(one experiment.Ablation) (*experiment.Experiment, error) {
	c := a.base
	if err := c.Set(one.TOML); err != nil {
		return nil, err
	}
	return experiment.Open(c)
}

// plan counts the steps of all runs, stage I of each kind once.
func (a *ablations) plan() error {
	total := 0
	seen := map[string]bool{}
	for _, each := range a.list {
		x, err := a.open(each)
		if err != nil {
			return fmt.Errorf("%s: %w", each.Name, err)
		}
		key, err := x.StageOneKey(0)
		if err != nil {
			return err
		}
		one, two := x.Steps()
		if total += two; !seen[key] {
			seen[key] = true
			total += one
		}
	}
	a.progress = newProgress(os.Stderr, total*int(a.seeds))
	return nil
}

func (a *ablations) run(ctx context.Context, each experiment.Ablation, seed uint64) error {
	x, err := a.open(each)
	if err != nil {
		return err
	}
	key, err := x.StageOneKey(seed)
	if err != nil {
		return err
	}
	report := a.progress.epochs(fmt.Sprintf("%s, seed %d, ", each.Name, seed), x, false)
	stage, known := a.ones[key]
	if !known {
		if stage, err = x.StageOne(ctx, seed, "", report); err != nil {
			return err
		}
		a.ones[key] = stage
	}
	if x.Web.From != "none" {
		if stage, err = x.StageTwo(ctx, stage, seed, "", report); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "%s, seed %d: %s\n", each.Name, seed, line(stage.Found))
	a.table.addRetrieval(each.Name, stage.Found)
	if seed == 0 {
		a.lines = append(a.lines, experiment.Line{Name: each.Name, Epochs: stage.Curve})
	}
	return nil
}

func (t *table) addRetrieval(what string, found evaluation.Retrieval) {
	t.add(what, "text→image R@1", found.TextToImage.R1.Value)
	t.add(what, "text→image R@5", found.TextToImage.R5.Value)
	t.add(what, "text→image R@10", found.TextToImage.R10.Value)
	t.add(what, "image→text R@1", found.ImageToText.R1.Value)
	t.add(what, "sum of recalls", found.RSum())
}

func (a *ablations) writeCurves(path, drawn string) error {
	pattern, err := regexp.Compile(drawn)
	if err != nil {
		return fmt.Errorf("names of curves: %w", err)
	}
	lines := slices.DeleteFunc(a.lines, func(line experiment.Line) bool { return !pattern.MatchString(line.Name) })
	if err := writeFile(path+".json", func(w io.Writer) error { return json.NewEncoder(w).Encode(lines) }); err != nil {
		return err
	}
	return writeFile(path+".svg", func(w io.Writer) error { return experiment.WriteSVG(w, lines) })
}
