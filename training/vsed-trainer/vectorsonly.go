package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/feature"
	"vsed/training/ridge"
)

// given are an encoder's vectors, of which nothing is known: as of a model of a hub.
type given struct {
	captioned channel
	tagged    channel // photos that choose, and the vocabulary
	learn     rows    // photos to learn from
}

// rows are vectors in memory.
type rows [][]float32

func (r rows) Len() int                            { return len(r) }
func (r rows) Width() int                          { return len(r[0]) }
func (r rows) Row(into []float32, i int) []float32 { return append(into, r[i]...) }

// addVectorsOnly adds the rows of the bundle taken as a model of a hub: the heads' part of
// its vectors alone, and all of them.
func (e *evaluate) addVectorsOnly(ctx context.Context, seeds uint64) (err error) {
	if e.learn, err = readTagged(e.Data, false, e.standard); err != nil {
		return err
	}
	whole, parts, err := e.given(ctx)
	if err != nil {
		return err
	}
	for _, width := range parts {
		if err := e.addGiven(fmt.Sprintf("vectors of %d values", width), whole.first(width), seeds); err != nil {
			return err
		}
	}
	return nil
}

// given gives the bundle's vectors, and the lengths of their first part and of all.
func (e *evaluate) given(ctx context.Context) (g given, parts []int, err error) {
	read, err := bundle.Read(e.Bundle)
	if err != nil {
		return g, nil, err
	}
	open, err := encoder.OpenProjector(ctx, read, e.library, encoder.Options{Threads: e.One.Threads})
	if err != nil {
		return g, nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	sentences := func(features [][]float32) (vectors [][]float32) {
		for _, each := range features {
			vector, failed := open.Sentence(ctx, each)
			err = errors.Join(err, failed)
			vectors = append(vectors, vector)
		}
		return vectors
	}
	var problems [3]error
	g.captioned.pictures, problems[0] = projected(ctx, open, e.dev.stored)
	g.tagged.pictures, problems[1] = projected(ctx, open, e.judge.tagged.stored)
	g.learn, problems[2] = projected(ctx, open, e.learn.stored)
	g.captioned.sentences, g.tagged.sentences = sentences(e.dev.sentences), sentences(e.judge.tags)
	parts = slices.Compact([]int{read.Vector[0].Dimensions, read.Dimensions()})
	return g, parts, errors.Join(err, errors.Join(problems[:]...))
}

// first gives the first values of all vectors; photos' as they would be stored.
func (g given) first(width int) given {
	kept := bundle.Manifest{Features: bundle.VectorFeatures(width)}
	store := func(vectors [][]float32) [][]float32 {
		list := cut(vectors, 0, width)
		for i, vector := range list {
			list[i] = unit(feature.Values(nil, feature.Quantise(vector, kept.Widths()), kept.Widths()))
		}
		return list
	}
	return given{
		channel{store(g.captioned.pictures), cut(g.captioned.sentences, 0, width)},
		channel{store(g.tagged.pictures), cut(g.tagged.sentences, 0, width)}, store(g.learn),
	}
}

// addGiven adds what vectors come to, before and after tags were learned beside them.
func (e *evaluate) addGiven(what string, g given, seeds uint64) error {
	before, err := e.judge.measure([2]channel{g.captioned, g.tagged})
	if err != nil {
		return err
	}
	e.table.addFound(what+", before", before)
	for seed := range seeds {
		for _, count := range counts() {
			places := e.learn.draw(count, seed)
			tags, err := learnFrom(chosen{g.learn, places}, e.learn.examples(places), rows(g.tagged.pictures), ridge.OptionsFor(g.learn.Width(), true))
			if err != nil {
				return err
			}
			when := fmt.Sprintf("%s, %d tagged photos: ", what, count)
			if err := e.addChannel(when+"learned tags alone", tags); err != nil {
				return err
			}
			single, pairs, err := e.judge.search(before.scores.plus(tags.scores, ridge.Weight(count)))
			if err != nil {
				return err
			}
			e.table.addTags(when+"vectors and learned tags", single, pairs)
		}
	}
	return nil
}
