package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vsed/training/evaluation"
	"vsed/training/stage"
)

// weights of the class names that are tried beside the heads.
var weights = []float64{0, .5, .7, 1, 1.4, 2}

func runStageOne(ctx context.Context, arguments []string) (err error) {
	flags := newFlags("stage1")
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	out := flags.String("out", "", "`folder` for configuration, curves, weights and report; a run that was killed goes on there")
	every := flags.Int("every", 5, "measure after each so many `epochs`")
	tags := flags.Bool("tags", true, "search tags as well, with class names by several weights")
	if err := parse(flags, arguments); err != nil {
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
	if err := c.One.Check(w.newHeads(c.One.Seed), w.train.Captioned); err != nil {
		return fmt.Errorf("stage1: %w", err)
	}
	var judge *judge
	if *tags {
		if judge, err = w.judge(ctx); err != nil {
			return fmt.Errorf("%w, or leave tags out with --tags=false", err)
		}
	}
	record, err := openRecord(*out, c) // nothing is missing now, and the folder is of a run that can be
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.close()) }()
	w.One.Saving = record.saving()
	began := time.Now()
	heads, err := w.stageOne(ctx, c.One.Seed, func(e stage.Epoch, heads stage.Heads) error {
		if err := record.loss(e); err != nil || e.Number%max(1, *every) != 0 && e.Number < c.One.Epochs {
			return err
		}
		found, err := w.retrieve(ctx, heads)
		if err != nil {
			return err
		}
		fmt.Printf("epoch %d, loss %.3f, %v: %s\n", e.Number, e.Loss, time.Since(began).Round(time.Second), line(found))
		return record.retrieval(e.Number, found)
	})
	if err != nil {
		return err
	}
	var results []measured
	if *tags {
		if results, err = judge.byWeights(ctx, heads); err != nil {
			return err
		}
	}
	return record.end(w, heads, results)
}

// measured is what heads come to with class names by a weight.
type measured struct {
	ClassNames float64              `json:"class_names"`
	Retrieval  evaluation.Retrieval `json:"retrieval"`
	Single     evaluation.TagReport `json:"single_tags"`
	Pairs      evaluation.TagReport `json:"pairs"`
}

// byWeights judges heads with class names by several weights, and says what it finds.
func (j *judge) byWeights(ctx context.Context, heads stage.Heads) (results []measured, err error) {
	learned, err := j.heads(ctx, heads)
	if err != nil {
		return nil, err
	}
	for _, weight := range weights {
		f, err := j.measure(j.weighted(learned, weight))
		if err != nil {
			return nil, err
		}
		fmt.Printf("class names %5.2f: single tags %.1f, pairs %.1f; %s\n", weight, f.single.MAP.Value, f.pairs.MAP.Value, line(f.retrieval))
		results = append(results, measured{weight, f.retrieval, f.single, f.pairs})
	}
	return results, nil
}

// line is R@1/5/10 of both directions and their sum.
func line(r evaluation.Retrieval) string {
	of := func(r evaluation.Recalls) string {
		return fmt.Sprintf("%.1f/%.1f/%.1f (median rank %.4g)", r.R1.Value, r.R5.Value, r.R10.Value, r.MedianRank)
	}
	return fmt.Sprintf("text→image %s, image→text %s, sum %.1f", of(r.TextToImage), of(r.ImageToText), r.RSum())
}
