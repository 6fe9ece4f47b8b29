package main

import (
	"math"
	"slices"
	"time"

	"vsed/training/evaluation"
	"vsed/training/ridge"
)

// learnedTags is the channel of ridge regression after some of the tagged photos.
type learnedTags struct {
	*ridge.Channel
	calibration ridge.Calibration
	seconds     float64
	scores      scores // of each of its tags, standardised: they differ in how they spread
	rows        [][]float64
}

// chosen are some of the rows.
type chosen struct {
	ridge.Rows
	places []int
}

func (c chosen) Len() int                            { return len(c.places) }
func (c chosen) Row(into []float32, i int) []float32 { return c.Rows.Row(into, c.places[i]) }

// held puts every fifth photo aside for the calibration: Corel5k's have no dates.
func held(count int) []bool {
	aside := make([]bool, count)
	for i := 4; i < count; i += 5 {
		aside[i] = true
	}
	return aside
}

// learnTags fits the channel on photos by their places and scores those that choose.
func (j *judge) learnTags(from tagged, places []int) (learnedTags, error) {
	return learnFrom(chosen{from.stored, places}, from.examples(places), j.tagged.stored, ridge.OptionsFor(from.stored.Width(), false))
}

// examples are what is learned of photos.
func (t tagged) examples(places []int) []ridge.Example {
	examples := make([]ridge.Example, len(places))
	for i, place := range places {
		examples[i] = ridge.Example{Tags: t.set[place].Tags}
	}
	return examples
}

// learnFrom fits the channel and scores others.
func learnFrom(rows ridge.Rows, examples []ridge.Example, others ridge.Rows, options ridge.Options) (l learnedTags, err error) {
	begun := time.Now()
	if l.Channel, l.calibration, err = ridge.Learn(rows, examples, held(len(examples)), options); err != nil {
		return l, err
	}
	l.seconds = time.Since(begun).Seconds()
	l.scores = scores{others.Len(), map[string][]float64{}}
	for i := range l.scores.photos {
		row, err := l.Scores(nil, others.Row(nil, i))
		if err != nil {
			return l, err
		}
		l.rows = append(l.rows, row)
		for place, tag := range l.Tags {
			l.scores.by[tag] = append(l.scores.by[tag], row[place])
		}
	}
	for tag, values := range l.scores.by {
		l.scores.by[tag] = evaluation.Standardise(values)
	}
	return l, nil
}

// sure is the confidence from which a tag is suggested here.
const sure = 0.5

// suggestions are what would be suggested for photos.
type suggestions struct {
	each        float64 // tags a photo
	said, right float64 // percent that are said to be right, and that are
	apart       float64 // percent by which saying and being differ, over ten steps of confidence
}

// suggest counts suggestions for the photos that choose.
func (l learnedTags) suggest(lists [][]string) (s suggestions) {
	var count float64
	var steps [10]struct{ said, right, count float64 }
	for i, row := range l.rows {
		for place, tag := range l.Tags {
			confidence, hit := l.calibration.Confidence(l.Channel, place, row[place]), 0.
			if slices.Contains(lists[i], tag) {
				hit = 1
			}
			step := &steps[min(9, int(10*confidence))]
			step.said, step.right, step.count = step.said+confidence, step.right+hit, step.count+1
			if confidence >= sure {
				s.said, s.right, count = s.said+confidence, s.right+hit, count+1
			}
		}
	}
	var pairs float64
	for _, step := range steps[1:] { // below 0.1 nearly all tags of nearly all photos lie
		s.apart, pairs = s.apart+math.Abs(step.said-step.right), pairs+step.count
	}
	return suggestions{count / float64(len(l.rows)), 100 * s.said / count, 100 * s.right / count, 100 * s.apart / pairs}
}
