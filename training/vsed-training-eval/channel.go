package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"vsed/index/evaluate"
	"vsed/training/dataset"
	protocol "vsed/training/evaluation"
	"vsed/training/features"
	"vsed/training/ridge"
)

// tagged are the photos of Corel5k with their features.
type tagged struct {
	learn, dev                 dataset.Set
	learnFeatures, devFeatures *features.Pictures
}

func openTagged(o options) (t tagged, err error) {
	folder := filepath.Join(o.data, "corel5k")
	all, err := dataset.ReadTags(filepath.Join(folder, "tags.tsv"))
	if err != nil {
		return t, err
	}
	names, err := dataset.ReadNames(filepath.Join(folder, "dev.txt"))
	if err != nil {
		return t, err
	}
	if t.dev, err = all.Only(names); err != nil {
		return t, err
	}
	t.learn = all.Without(names)
	store, err := features.Open(filepath.Join(o.features, "corel5k.features"))
	if err != nil {
		return t, err
	}
	defer store.Close()
	if t.learnFeatures, err = store.Pictures(t.learn.Names()); err != nil {
		return t, err
	}
	t.devFeatures, err = store.Pictures(t.dev.Names())
	return t, err
}

// chosen are some of the rows.
type chosen struct {
	ridge.Rows
	places []int
}

func (c chosen) Len() int                            { return len(c.places) }
func (c chosen) Row(into []float32, i int) []float32 { return c.Rows.Row(into, c.places[i]) }

// draw gives so many of the photos to learn from.
func (t tagged) draw(count int, seed uint64) (chosen, []ridge.Example) {
	places := rand.New(rand.NewPCG(seed, 1)).Perm(len(t.learn))[:count]
	examples := make([]ridge.Example, count)
	for i, place := range places {
		examples[i] = ridge.Example{Tags: t.learn[place].Tags}
	}
	return chosen{t.learnFeatures, places}, examples
}

func tagsOf(set dataset.Set) (lists [][]string) {
	for _, photo := range set {
		lists = append(lists, photo.Tags)
	}
	return lists
}

// channel measures the learned-tag channel alone: single tags and pairs in the photos
// for development, after so many tagged photos.
func channel(ctx context.Context, o options, add func(string, string, ...float64) error) error {
	t, err := openTagged(o)
	if err != nil {
		return err
	}
	for _, count := range []int{100, 300, 1000, 4000} {
		results := map[string][]float64{}
		for seed := range uint64(o.seeds) {
			if err := ctx.Err(); err != nil {
				return err
			}
			begun := time.Now()
			rows, examples := t.draw(count, seed)
			learned, calibration, err := ridge.Learn(rows, examples, held(count), ridge.Options{Lambda: ridge.Lambda(rows.Width())})
			if err != nil {
				return err
			}
			results["seconds"] = append(results["seconds"], time.Since(begun).Seconds())
			if err := t.ask(learned, results); err != nil {
				return err
			}
			if err := t.suggest(learned, calibration, results); err != nil {
				return err
			}
		}
		for _, measure := range []string{"mAP", "P@5", "R@10", "pairs mAP", "suggestions", "said right", "are right", "error", "seconds"} {
			if err := add(fmt.Sprintf("Corel5k dev after %d tagged photos", count), measure, results[measure]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// held puts every fifth photo aside for the calibration: Corel5k's have no dates.
func held(count int) []bool {
	aside := make([]bool, count)
	for i := 4; i < count; i += 5 {
		aside[i] = true
	}
	return aside
}

// sure is the confidence from which a tag is suggested here.
const sure = 0.5

// suggest counts what would be suggested for the photos for development: how many
// tags a photo, what share is said to be right and what share is, in percent, and how
// far saying and being are apart over ten steps of confidence, rare ones included.
func (t tagged) suggest(learned *ridge.Channel, calibration ridge.Calibration, results map[string][]float64) error {
	var count, said, right float64
	var steps [10]struct{ said, right, count float64 }
	for i, photo := range t.dev {
		scores, err := learned.Scores(nil, t.devFeatures.Row(nil, i))
		if err != nil {
			return err
		}
		for place, tag := range learned.Tags {
			confidence, hit := calibration.Confidence(learned, place, scores[place]), 0.
			if slices.Contains(photo.Tags, tag) {
				hit = 1
			}
			step := &steps[min(9, int(10*confidence))]
			step.said, step.right, step.count = step.said+confidence, step.right+hit, step.count+1
			if confidence >= sure {
				said, right, count = said+confidence, right+hit, count+1
			}
		}
	}
	var apart, pairs float64
	for _, step := range steps[1:] { // below 0.1 nearly all tags of nearly all photos lie
		apart, pairs = apart+math.Abs(step.said-step.right), pairs+step.count
	}
	results["suggestions"] = append(results["suggestions"], count/float64(len(t.dev)))
	results["said right"] = append(results["said right"], 100*said/count)
	results["are right"] = append(results["are right"], 100*right/count)
	results["error"] = append(results["error"], 100*apart/pairs)
	return nil
}

func (t tagged) ask(learned *ridge.Channel, results map[string][]float64) error {
	scores, err := scoresOf(learned, t.devFeatures)
	if err != nil {
		return err
	}
	score := func(query protocol.Query) ([]float64, error) {
		sum := make([]float64, len(t.dev))
		for _, tag := range query.Tags {
			one, known := scores[tag]
			if !known {
				continue // nobody tagged a photo with it: all photos tie
			}
			for i, value := range protocol.Standardise(one) {
				sum[i] += value
			}
		}
		return sum, nil
	}
	single, err := protocol.MeasureTags(protocol.SingleTags(tagsOf(t.dev)), score)
	if err != nil {
		return err
	}
	pairs, err := protocol.MeasureTags(protocol.TagPairs(tagsOf(t.dev)), score)
	if err != nil {
		return err
	}
	for measure, value := range map[string]float64{
		"mAP": single.MAP.Value, "P@5": single.P5.Value, "R@10": single.R10.Value, "pairs mAP": pairs.MAP.Value,
	} {
		results[measure] = append(results[measure], value)
	}
	return nil
}

// scoresOf gives for each tag the scores of all photos.
func scoresOf(learned *ridge.Channel, rows ridge.Rows) (map[string][]float64, error) {
	scores := map[string][]float64{}
	for i := range rows.Len() {
		found, err := learned.Scores(nil, rows.Row(nil, i))
		if err != nil {
			return nil, err
		}
		for place, tag := range learned.Tags {
			scores[tag] = append(scores[tag], found[place])
		}
	}
	return scores, nil
}

func summary(part, what, measure string, values []float64) row {
	mean := evaluate.Mean(values)
	var squares float64
	for _, value := range values {
		squares += (value - mean) * (value - mean)
	}
	deviation := 0.
	if len(values) > 1 {
		deviation = math.Sqrt(squares / float64(len(values)-1))
	}
	return row{Part: part, What: what, Measure: measure, Values: values, Mean: mean, Deviation: deviation}
}
