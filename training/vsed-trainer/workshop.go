package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	c, err := headsChannel(ctx, w.library, w.One.Threads, heads, w.dev.Pictures, w.dev.sentences)
	if err != nil {
		return evaluation.Retrieval{}, err
	}
	return retrieve(c, w.dev.Owner)
}

// A weighted result is what heads and class names come to together.
type weighted struct {
	Weight    float64 // of the class names; 0: heads alone
	Retrieval evaluation.Retrieval
	Single    evaluation.TagReport
	Pairs     evaluation.TagReport
}

// weigh measures heads with class names by several weights, and class names alone,
// which come last.
func (w *workshop) weigh(ctx context.Context, heads stage.Heads, weights []float64) (results []weighted, err error) {
	names, err := openClassNames(ctx, w.Bundle, w.library)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, names.encoder.Close()) }()
	tagged, err := readTagged(w.Data, true, w.standard)
	if err != nil {
		return nil, err
	}
	vocabulary := slices.Sorted(maps.Keys(tagged.tags))
	var tags [][]float32
	for _, tag := range vocabulary {
		tags = append(tags, tagged.tags[tag])
	}
	var learned, named [2]channel // of captioned and of tagged photos
	if learned[0], err = headsChannel(ctx, w.library, w.One.Threads, heads, w.dev.Pictures, w.dev.sentences); err != nil {
		return nil, err
	}
	if learned[1], err = headsChannel(ctx, w.library, w.One.Threads, heads, tagged.pictures, tags); err != nil {
		return nil, err
	}
	if named[0], err = names.channel(ctx, w.dev.stored, w.dev.sentences); err != nil {
		return nil, err
	}
	if named[1], err = names.channel(ctx, tagged.stored, tags); err != nil {
		return nil, err
	}
	measure := func(weight float64, captions, tags channel) error {
		r := weighted{Weight: weight}
		if r.Retrieval, err = retrieve(captions, w.dev.Owner); err != nil {
			return err
		}
		if r.Single, err = searchTags(tags, vocabulary, evaluation.SingleTags(tagged.lists())); err != nil {
			return err
		}
		r.Pairs, err = searchTags(tags, vocabulary, evaluation.TagPairs(tagged.lists()))
		results = append(results, r)
		return err
	}
	for _, weight := range weights {
		if err := measure(weight, joined(learned[0], named[0], weight), joined(learned[1], named[1], weight)); err != nil {
			return nil, err
		}
	}
	return results, measure(-1, named[0], named[1])
}
