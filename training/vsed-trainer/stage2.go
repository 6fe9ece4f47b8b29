package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/builtin/replay"
	"vsed/training/checkpoint"
	"vsed/training/model"
	"vsed/training/stage"
)

func runStageTwo(ctx context.Context, arguments []string) (err error) {
	flags := newFlags("stage2")
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	out := flags.String("out", "", "`folder` for configuration, curves, weights and report; a run that was killed goes on there")
	from := flags.String("from", "", "`file` of weights, as stage1 leaves them; without one the heads that are shipped")
	count := flags.Int("count", 0, "`number` of tagged photos to learn from, drawn by the seed; 0: all")
	flags.Lookup("count").DefValue = "all"
	shipped := flags.String("replay", "encoders/builtin/heads/replay.bin", "`file` of captioned photos to go over again; empty: all of the configuration")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *count < 0 {
		return fmt.Errorf("--count %d is below 0", *count)
	}
	c, err := readConfig(*path)
	if err != nil {
		return err
	}
	w, err := openWorkshop(ctx, c)
	if err != nil {
		return err
	}
	start, err := w.startTwo(*from)
	if err != nil {
		return fmt.Errorf("heads to begin from: %w; name with --from what stage1 left of this configuration", err)
	}
	again, err := w.replayed(*shipped)
	if err != nil {
		return err
	}
	all, err := readTagged(w.Data, false, w.standard)
	if err != nil {
		return err
	}
	if err := all.set.CheckTags(); err != nil {
		return fmt.Errorf("%s: %w", w.Data.Tags, err)
	}
	learn := all.some(all.draw(*count, w.Two.Seed))
	if err := w.Two.Check(start, learn, again); err != nil {
		return fmt.Errorf("stage2: %w", err)
	}
	judge, err := w.judge(ctx)
	if err != nil {
		return err
	}
	record, err := openRecord(*out, struct {
		config
		From   string `json:"from"`
		Count  int    `json:"count"`
		Replay string `json:"replay_file"`
	}{c, *from, *count, *shipped})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.close()) }()
	return judge.learnTwo(ctx, start, learn, again, record)
}

// startTwo reads the heads to begin from.
func (w *workshop) startTwo(from string) (start stage.Heads, err error) {
	if from == "" {
		file, err := heads.Read(shippedHeads)
		if err != nil {
			return start, err
		}
		return stage.FromFile(file, w.standard.Standard)
	}
	state, err := checkpoint.Read(from)
	if err != nil {
		return start, err
	}
	start = w.newHeads(0)
	return start, start.Restore(state)
}

// replayed are the captioned photos to go over again: those of a file, or all.
func (w *workshop) replayed(file string) (stage.Captioned, error) {
	if file == "" {
		return w.train.Captioned, nil
	}
	set, err := replay.Read(file)
	if err != nil {
		return stage.Captioned{}, err
	}
	if width, inputs := set.Train.Pictures.Width, len(w.standard.Mean); width != inputs {
		return stage.Captioned{}, fmt.Errorf("%s is of features of %d values, the configuration's have %d: name another file as --replay, or give --replay '' to go over its captioned photos", file, width, inputs)
	}
	return stage.Replayed(set.Train.Rows()), nil
}

// shippedHeads are in the project.
const shippedHeads = "encoders/builtin/heads/heads.bin"

func (j *judge) learnTwo(ctx context.Context, start stage.Heads, learn stage.Tagged, again stage.Captioned, record record) error {
	fmt.Println("before:")
	before, err := j.byWeights(ctx, start)
	if err != nil {
		return err
	}
	w := j.workshop
	steps, perEpoch := w.Two.Steps(len(learn.Pictures))
	meter := newMeter(os.Stderr, steps)
	w.Two.Saving = record.saving()
	learned, err := w.Two.Run(ctx, w.library, start, learn, again, func(at stage.Epoch) error {
		meter.say("stage II", at, (steps+perEpoch-1)/perEpoch, perEpoch)
		return record.loss(at)
	})
	if err != nil {
		return err
	}
	fmt.Printf("after %d tagged photos:\n", len(learn.Pictures))
	after, err := j.byWeights(ctx, learned)
	if err != nil {
		return err
	}
	return record.end(w, learned, struct {
		Before []measured `json:"before"`
		After  []measured `json:"after"`
	}{before, after})
}

// counts of tagged photos that are learned from.
func counts() []int { return []int{100, 300, 1000, 4000} }

// draw takes so many of the photos with tags, by their places, or all for 0; one seed
// draws the same ones for every way of learning.
func (t tagged) draw(count int, seed uint64) []int {
	if count == 0 {
		count = len(t.set)
	}
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
