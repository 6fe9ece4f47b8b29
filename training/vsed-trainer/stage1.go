package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"vsed/training/evaluation"
	"vsed/training/stage"
)

// weights of the class names that are tried beside the heads.
var weights = []float64{0, .5, .7, 1, 1.4, 2}

func runStageOne(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("stage1", flag.ContinueOnError)
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	every := flags.Int("every", 5, "measure after each so many `epochs`")
	tags := flags.Bool("tags", true, "search tags as well, with class names by several weights")
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
	began := time.Now()
	show := func(e stage.Epoch, heads stage.Heads) error {
		if e.Number%*every != 0 && e.Number < c.One.Epochs {
			return nil
		}
		found, err := w.retrieve(ctx, heads)
		fmt.Fprintf(os.Stdout, "epoch %d, loss %.3f, %v: %s\n", e.Number, e.Loss, time.Since(began).Round(time.Second), line(found))
		return err
	}
	heads, err := w.stageOne(ctx, c.One.Seed, show)
	if err != nil || !*tags {
		return err
	}
	judge, err := w.judge(ctx)
	if err != nil {
		return err
	}
	learned, err := judge.heads(ctx, heads)
	if err != nil {
		return err
	}
	for _, weight := range weights {
		f, err := judge.measure(judge.weighted(learned, weight))
		if err != nil {
			return err
		}
		fmt.Printf("class names %5.2f: single tags %.1f, pairs %.1f; %s\n", weight, f.single.MAP.Value, f.pairs.MAP.Value, line(f.retrieval))
	}
	return nil
}

func line(r evaluation.Retrieval) string {
	return fmt.Sprintf("text→image %.1f/%.1f/%.1f, image→text %.1f/%.1f/%.1f, sum %.1f",
		r.TextToImage.R1.Value, r.TextToImage.R5.Value, r.TextToImage.R10.Value,
		r.ImageToText.R1.Value, r.ImageToText.R5.Value, r.ImageToText.R10.Value, r.RSum())
}
