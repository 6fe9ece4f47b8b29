package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"

	"vsed/training/stage"
)

// A row is a line of the table: a value over seeds.
type row struct {
	What      string    `json:"what"`
	Measure   string    `json:"measure"`
	Values    []float64 `json:"values"` // a seed each
	Mean      float64   `json:"mean"`
	Deviation float64   `json:"deviation"`
}

// table gathers the values of the seeds.
type table struct{ rows []*row }

func (t *table) add(what, measure string, value float64) {
	for _, row := range t.rows {
		if row.What == what && row.Measure == measure {
			row.Values = append(row.Values, value)
			return
		}
	}
	t.rows = append(t.rows, &row{What: what, Measure: measure, Values: []float64{value}})
}

func (t *table) print(output io.Writer, asJSON bool) error {
	for _, row := range t.rows {
		row.Mean, row.Deviation = spread(row.Values)
		if asJSON {
			if err := json.NewEncoder(output).Encode(row); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(output, "%-60s %-18s %6.2f ± %.2f  %.2f\n", row.What, row.Measure, row.Mean, row.Deviation, row.Values); err != nil {
			return err
		}
	}
	return nil
}

// spread is the mean of values and the deviation of what they were drawn from.
func spread(values []float64) (mean, deviation float64) {
	for _, value := range values {
		mean += value / float64(len(values))
	}
	if len(values) < 2 {
		return mean, 0
	}
	for _, value := range values {
		deviation += (value - mean) * (value - mean) / float64(len(values)-1)
	}
	return mean, math.Sqrt(deviation)
}

func runEvaluate(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	seeds := flags.Uint64("seeds", 3, "`number` of runs, with seeds from 0")
	two := flags.Bool("stage2", true, "learn from tags, too, after 100 to 4,000 tagged photos")
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	c, err := readConfig(*path)
	if err != nil {
		return err
	}
	w, err := openWorkshop(ctx, c)
	if err != nil {
		return err
	}
	var t table
	for seed := range *seeds {
		heads, err := w.keptStageOne(ctx, seed, func(stage.Epoch, stage.Heads) error { return nil })
		if err != nil {
			return err
		}
		results, err := w.weigh(ctx, heads, weights)
		if err != nil {
			return err
		}
		for _, r := range results {
			t.addWeighted("", r)
		}
		if *two {
			if err := w.addTwo(ctx, &t, heads, seed); err != nil {
				return err
			}
		}
	}
	return t.print(os.Stdout, *asJSON)
}

func (t *table) addWeighted(when string, r weighted) {
	what := fmt.Sprintf("heads, class names with weight %v", r.Weight)
	switch {
	case r.Weight == 0:
		what = "heads alone"
	case r.Weight < 0:
		what = "class names alone"
	}
	for _, one := range []struct {
		measure string
		value   float64
	}{
		{"text→image R@1", r.Retrieval.TextToImage.R1.Value}, {"text→image R@5", r.Retrieval.TextToImage.R5.Value},
		{"text→image R@10", r.Retrieval.TextToImage.R10.Value}, {"image→text R@1", r.Retrieval.ImageToText.R1.Value},
		{"sum of recalls", r.Retrieval.RSum()}, {"single tags mAP", r.Single.MAP.Value}, {"pairs mAP", r.Pairs.MAP.Value},
	} {
		t.add(when+what, one.measure, one.value)
	}
}
