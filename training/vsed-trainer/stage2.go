package main

import (
	"math/rand/v2"
	"slices"

	"vsed/training/model"
	"vsed/training/stage"
)

// counts of tagged photos that are learned from.
func counts() []int { return []int{100, 300, 1000, 4000} }

// draw takes so many of the photos with tags, by their places; one seed draws the same
// ones for every way of learning.
func (t tagged) draw(count int, seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 1)).Perm(len(t.set))[:min(count, len(t.set))]
}

// some are photos by their places, as stage II takes them.
func (t tagged) some(places []int) (data stage.Tagged) {
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
