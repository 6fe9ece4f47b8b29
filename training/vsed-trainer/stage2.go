package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"vsed/training/model"
	"vsed/training/stage"
)

// counts of tagged photos that are learned from.
func counts() []int { return []int{100, 300, 1000, 4000} }

// draw takes so many of the photos with tags; one seed draws the same ones for every
// way of learning.
func (t tagged) draw(count int, seed uint64) (data stage.Tagged) {
	places := rand.New(rand.NewPCG(seed, 1)).Perm(len(t.set))[:count]
	var vocabulary []string
	for _, place := range places {
		vocabulary = append(vocabulary, t.set[place].Tags...)
	}
	slices.Sort(vocabulary)
	vocabulary = slices.Compact(vocabulary)
	var rows [][]float32
	for _, tag := range vocabulary {
		rows = append(rows, t.tags[tag])
	}
	data.Words = model.Scaled(rows)
	for _, place := range places {
		var words []int
		for _, tag := range t.set[place].Tags {
			at, _ := slices.BinarySearch(vocabulary, tag)
			words = append(words, at)
		}
		slices.Sort(words)
		data.Pictures, data.Tags = append(data.Pictures, t.pictures[place]), append(data.Tags, words)
	}
	return data
}

// addTwo learns from tags, after heads have learned from captions, and adds what it
// comes to.
func (w *workshop) addTwo(ctx context.Context, t *table, heads stage.Heads, seed uint64) error {
	learn, err := readTagged(w.Data, false, w.standard)
	if err != nil {
		return err
	}
	replay := w.train.Captioned
	for _, count := range counts() {
		two := w.Two
		two.Seed = seed
		learned, err := two.Run(ctx, w.library, heads, learn.draw(min(count, len(learn.set)), seed), replay, func(stage.Epoch) error { return nil })
		if err != nil {
			return err
		}
		results, err := w.weigh(ctx, learned, weights[:3])
		if err != nil {
			return err
		}
		for _, r := range results[:len(results)-1] { // class names alone have learned nothing
			t.addWeighted(fmt.Sprintf("after %d tagged photos: ", count), r)
		}
	}
	return nil
}
