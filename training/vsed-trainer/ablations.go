package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/training/evaluation"
	"vsed/training/experiment"
)

// ablations measures configurations of the paper's model side by side.
type ablations struct {
	base     experiment.Config
	list     []experiment.Ablation
	seeds    uint64
	kept     string // folder for stage I, and for what runs have come to; empty: none
	progress *progress
	ones     map[string]experiment.Stage // stage I by its key
	table    table
	lines    []experiment.Line // of the first seed
}

func runAblations(ctx context.Context, arguments []string) error {
	flags := newFlags("ablations")
	path := flags.String("config", "", "`file` of the configuration that all have in common; without one that of docs/learning.md")
	only := flags.String("only", "", "those whose names match the `expression`, in any case")
	seeds := flags.Uint64("seeds", 3, "`number` of runs, with seeds from 0")
	asJSON := flags.Bool("json", false, "print a JSON object a line, with all measures, instead of the table")
	curves := flags.String("curves", "", "`file` for the first seed's curves, FILE.json and FILE.svg")
	drawn := flags.String("drawn", "", "of the curves only those whose names match the `expression`, in any case")
	kept := flags.String("kept", "", "`folder` for what was learned: a run that was ended goes on from it; other data want another")
	show := flags.Bool("show", false, "print the names and the configurations instead")
	if err := parse(flags, arguments); err != nil {
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
	a := &ablations{base: base, list: chosen, seeds: *seeds, kept: *kept, ones: map[string]experiment.Stage{}}
	if *kept != "" {
		if err := os.MkdirAll(*kept, 0o755); err != nil {
			return err
		}
	}
	if err := a.plan(); err != nil {
		return err
	}
	err = a.runAll(ctx) // what was measured before an error is shown, too
	if *curves != "" && err == nil {
		err = a.writeCurves(*curves, *drawn)
	}
	if *asJSON {
		return errors.Join(err, a.table.print(os.Stdout, true))
	}
	return errors.Join(err, a.table.markdown(os.Stdout, measureTextR1, measureTextR10, measureImageR1, measureSum))
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

func (a *ablations) configuration(one experiment.Ablation) (experiment.Config, error) {
	c := a.base
	err := c.Set(one.TOML)
	return c, err
}

// plan counts the epochs that are to come, those of stage I of each kind once.
func (a *ablations) plan() error {
	total := 0
	seen := map[string]bool{}
	for seed := range a.seeds {
		for _, each := range a.list {
			c, err := a.configuration(each)
			if err != nil {
				return fmt.Errorf("%s: %w", each.Name, err)
			}
			if _, known, err := a.known(c, seed); known || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			one, two := c.Epochs()
			if total += two; !seen[c.StageOneKey(seed)] {
				seen[c.StageOneKey(seed)] = true
				total += one
			}
		}
	}
	a.progress = newProgress(os.Stderr, total)
	return nil
}

// known is what a run has come to, if it is kept.
func (a *ablations) known(c experiment.Config, seed uint64) (stage experiment.Stage, known bool, err error) {
	if a.kept == "" {
		return stage, false, nil
	}
	path := filepath.Join(a.kept, c.Key(seed)+".json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return stage, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &stage)
	}
	if err != nil {
		return stage, false, fmt.Errorf("%s: %w; delete it to measure anew", path, err)
	}
	return stage, true, nil
}

// keep keeps what a run has come to.
func (a *ablations) keep(c experiment.Config, seed uint64, stage experiment.Stage) error {
	if a.kept == "" {
		return nil
	}
	return writeFile(filepath.Join(a.kept, c.Key(seed)+".json"), func(w io.Writer) error { return json.NewEncoder(w).Encode(stage) })
}

func (a *ablations) run(ctx context.Context, each experiment.Ablation, seed uint64) error {
	c, err := a.configuration(each)
	if err != nil {
		return err
	}
	stage, known, err := a.known(c, seed)
	if err != nil {
		return err
	}
	if !known {
		if stage, err = a.learn(ctx, each.Name, c, seed); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s, seed %d: %s\n", each.Name, seed, line(stage.Found))
		if err := a.keep(c, seed, stage); err != nil {
			return err
		}
	}
	a.table.addRetrieval(each.Name, stage.Found)
	if seed == 0 {
		a.lines = append(a.lines, experiment.Line{Name: each.Name, Epochs: stage.Curve})
	}
	return nil
}

func (a *ablations) learn(ctx context.Context, name string, c experiment.Config, seed uint64) (experiment.Stage, error) {
	x, err := experiment.Open(c)
	if err != nil {
		return experiment.Stage{}, err
	}
	report := a.progress.epochs(fmt.Sprintf("%s, seed %d, ", name, seed), c)
	key := c.StageOneKey(seed)
	stage, known := a.ones[key]
	if !known {
		if stage, err = x.StageOne(ctx, seed, a.checkpoint("stage1-"+key), report); err != nil {
			return stage, err
		}
		a.ones[key] = stage
	}
	if c.Web.From == "none" {
		return stage, nil
	}
	path := a.checkpoint("stage2-" + c.Key(seed))
	if stage, err = x.StageTwo(ctx, stage, seed, path, report); err != nil || path == "" {
		return stage, err
	}
	return stage, os.Remove(path) // of a stage I several runs go on
}

// checkpoint is where a stage is kept while it runs.
func (a *ablations) checkpoint(name string) string {
	if a.kept == "" {
		return ""
	}
	return filepath.Join(a.kept, name)
}

// Measures of a retrieval in a table.
const (
	measureTextR1  = "text→image R@1"
	measureTextR10 = "text→image R@10"
	measureImageR1 = "image→text R@1"
	measureSum     = "sum of recalls"
)

func (t *table) addRetrieval(what string, found evaluation.Retrieval) {
	t.add(what, measureTextR1, found.TextToImage.R1.Value)
	t.add(what, "text→image R@5", found.TextToImage.R5.Value)
	t.add(what, measureTextR10, found.TextToImage.R10.Value)
	t.add(what, "text→image median rank", found.TextToImage.MedianRank)
	t.add(what, measureImageR1, found.ImageToText.R1.Value)
	t.add(what, "image→text R@5", found.ImageToText.R5.Value)
	t.add(what, "image→text R@10", found.ImageToText.R10.Value)
	t.add(what, "image→text median rank", found.ImageToText.MedianRank)
	t.add(what, measureSum, found.RSum())
}

// markdown writes some measures side by side, as docs/learning.md has them.
func (t *table) markdown(output io.Writer, measures ...string) error {
	text := "| |"
	for _, measure := range measures {
		text += " " + strings.ReplaceAll(measure, "→", " → ") + " |"
	}
	text += " seeds |\n|---|" + strings.Repeat("---|", len(measures)+1)
	what := ""
	for _, row := range t.rows {
		if !slices.Contains(measures, row.Measure) {
			continue
		}
		if row.What != what {
			text += "\n| " + row.What + " |"
		}
		what = row.What
		mean, deviation := spread(row.Values)
		if text += fmt.Sprintf(" %.1f", mean); len(row.Values) > 1 {
			text += fmt.Sprintf(" ± %.1f", deviation)
		}
		if text += " |"; row.Measure == measures[len(measures)-1] {
			text += fmt.Sprintf(" %d |", len(row.Values))
		}
	}
	_, err := fmt.Fprintln(output, text)
	return err
}

func (a *ablations) writeCurves(path, drawn string) error {
	pattern := experiment.Pattern(drawn)
	lines := slices.DeleteFunc(a.lines, func(line experiment.Line) bool { return !pattern.MatchString(line.Name) })
	if err := writeFile(path+".json", func(w io.Writer) error { return json.NewEncoder(w).Encode(lines) }); err != nil {
		return err
	}
	return writeFile(path+".svg", func(w io.Writer) error { return experiment.WriteSVG(w, lines) })
}
