package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vsed/encoders/runtime"
	"vsed/training/evaluation"
	"vsed/training/features"
	"vsed/training/model"
	"vsed/training/stage"
)

// workshop holds what the runs of a configuration share.
type workshop struct {
	config
	library  *runtime.Library
	train    captioned
	dev      captioned
	standard *model.Standard
}

func openWorkshop(ctx context.Context, c config) (*workshop, error) {
	w := &workshop{config: c}
	var err error
	if w.library, err = runtime.Load([]string{c.Library}); err != nil {
		return nil, err
	}
	if w.train, w.standard, err = readCaptioned(c.Data.Captions, c.Data.CaptionFeatures, c.Model.width, nil); err != nil {
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
	w.dev, _, err = readCaptioned(c.Data.DevCaptions, c.Data.CaptionFeatures, nil, w.standard)
	return w, err
}

// readViews reads the other forms of the photos to learn from.
func (w *workshop) readViews() error {
	for number := 1; number <= w.Data.Views; number++ {
		store, err := features.Open(strings.ReplaceAll(w.Data.ViewFeatures, "%d", fmt.Sprint(number)))
		if err != nil {
			return err
		}
		stored, err := store.Pictures(w.train.names)
		if err = errors.Join(err, store.Close()); err != nil {
			return err
		}
		w.train.Views = append(w.train.Views, w.standard.Read(stored))
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
