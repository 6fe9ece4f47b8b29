package main

import (
	"context"
	"fmt"
	"strings"

	"vsed/encoders/runtime"
	"vsed/training/corpus"
	"vsed/training/evaluation"
	"vsed/training/model"
	"vsed/training/stage"
)

// workshop holds what the runs of a configuration share.
type workshop struct {
	config
	library  *runtime.Library
	train    captioned
	dev      captioned
	standard corpus.Standard
}

func openWorkshop(ctx context.Context, c config) (*workshop, error) {
	w := &workshop{config: c}
	var err error
	if w.library, err = runtime.Load([]string{c.Library}); err != nil {
		return nil, err
	}
	if err := w.readCaptioned(ctx); err != nil {
		return nil, err
	}
	if err := w.readViews(); err != nil {
		return nil, err
	}
	if c.One.Tags > 0 {
		if err := w.readWords(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// readViews reads the other forms of the photos to learn from.
func (w *workshop) readViews() error {
	for number := 1; number <= w.Data.Views; number++ {
		part := corpus.Named(w.train.names, strings.ReplaceAll(w.Data.ViewFeatures, "%d", fmt.Sprint(number)))
		read, _, err := part.Read(w.standard, nil)
		if err != nil {
			return fmt.Errorf("other forms of the photos: %w, or set data.views to 0", err)
		}
		w.train.Views = append(w.train.Views, read.Rows)
	}
	return nil
}

// stageOne trains heads from a seed.
func (w *workshop) stageOne(ctx context.Context, seed uint64, report func(stage.Epoch, stage.Heads) error) (stage.Heads, error) {
	one := w.One
	one.Seed = seed
	return one.Run(ctx, w.library, w.newHeads(seed), w.train.Captioned, report)
}

func (w *workshop) newHeads(seed uint64) stage.Heads {
	return stage.NewHeads(
		model.Sizes{Inputs: len(w.standard.Mean), Hidden: w.Model.PictureHidden, Outputs: w.Model.Dimensions},
		model.Sizes{Inputs: len(w.train.Captions[0]), Hidden: w.Model.SentenceHidden, Outputs: w.Model.Dimensions}, seed)
}

// retrieve measures heads alone on captions.
func (w *workshop) retrieve(ctx context.Context, heads stage.Heads) (evaluation.Retrieval, error) {
	return heads.Retrieve(ctx, w.library, w.One.Threads, w.dev.Captioned)
}
