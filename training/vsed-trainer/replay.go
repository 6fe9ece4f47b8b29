package main

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"vsed/encoders/builtin/replay"
	"vsed/training/model"
)

// replayConfig says how much of the captioned photos is kept for the devices. What was
// tried is in docs/learning.md.
type replayConfig struct {
	Pictures int     `toml:"pictures" json:"pictures"` // components of a picture
	Captions int     `toml:"captions" json:"captions"` // and of a caption
	Each     int     `toml:"each" json:"each"`         // captions of a picture
	Coarse   float64 `toml:"coarse" json:"coarse"`     // step of a picture's amounts, beside values with a deviation of 1
	Fine     float64 `toml:"fine" json:"fine"`         // and of a caption's
	Guard    float64 `toml:"guard" json:"guard"`       // and of both where they guard, value by value
}

func defaultReplay() replayConfig {
	return replayConfig{Pictures: 384, Captions: 128, Each: 5, Coarse: 1.5, Fine: 1, Guard: 1}
}

// checkReplay tells before heads are trained whether the photos have so many components.
func (w *workshop) checkReplay() error {
	pictures := min(len(w.standard.Mean), len(w.train.Pictures))
	captions := min(len(w.train.sentences[0]), len(w.train.sentences))
	if w.Replay.Pictures > pictures || w.Replay.Captions > captions {
		return fmt.Errorf("replay.pictures %d and replay.captions %d: %d photos of %d values and %d captions of %d have at most %d and %d components",
			w.Replay.Pictures, w.Replay.Captions, len(w.train.Pictures), len(w.standard.Mean), len(w.train.sentences), len(w.train.sentences[0]), pictures, captions)
	}
	return nil
}

// replaySet makes what devices go over again from the photos to learn from, and the
// guard from those that choose.
func (w *workshop) replaySet() (*replay.Set, error) {
	c := w.Replay
	set := &replay.Set{Mean: w.standard.Mean, Scale: w.standard.Scale}
	var captions, guards [][]float32
	set.Train.Counts, captions = w.train.first(c.Each)
	set.Guard.Counts, guards = w.dev.first(c.Each)
	var err error
	if set.Train.Pictures, err = components(w.train.Pictures, c.Pictures, float32(c.Coarse)); err != nil {
		return nil, err
	}
	if set.Train.Captions, err = components(captions, c.Captions, float32(c.Fine/model.SentenceScale)); err != nil {
		return nil, err
	}
	set.Guard.Pictures = valueByValue(w.dev.Pictures, float32(c.Guard))
	set.Guard.Captions = valueByValue(guards, float32(c.Guard/model.SentenceScale))
	return set, nil
}

// first gives so many captions of each picture, in the order of the pictures.
func (of captioned) first(each int) (counts []byte, chosen [][]float32) {
	lists := make([][][]float32, len(of.Pictures))
	for i, owner := range of.Owner {
		if len(lists[owner]) < each {
			lists[owner] = append(lists[owner], of.sentences[i])
		}
	}
	for _, list := range lists {
		counts, chosen = append(counts, byte(len(list))), append(chosen, list...)
	}
	return counts, chosen
}

// basisSteps is to how many steps from zero a value of a component is taken: 127 cost
// two bits a value more and change nothing that can be measured.
const basisSteps = 31

// components brings rows to amounts of a few components in steps.
func components(rows [][]float32, count int, step float32) (replay.Code, error) {
	directions, err := principal(rows, count)
	if err != nil {
		return replay.Code{}, err
	}
	c := replay.Code{Width: len(rows[0])}
	for _, direction := range directions {
		largest := float32(0)
		for _, value := range direction {
			largest = max(largest, max(value, -value))
		}
		c.Steps = append(c.Steps, step*largest/basisSteps)
		for _, value := range direction {
			c.Basis = append(c.Basis, steps(value, largest/basisSteps))
		}
	}
	found := matrix(count, len(rows))
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, packed(directions), packed(rows), 0, found)
	c.Amounts = amounts(found.Data, step)
	return c, nil
}

// valueByValue brings rows to steps, without components.
func valueByValue(rows [][]float32, step float32) replay.Code {
	c := replay.Code{Width: len(rows[0]), Steps: slices.Repeat([]float32{step}, len(rows[0]))}
	for j := range rows[0] {
		for _, row := range rows {
			c.Amounts = append(c.Amounts, steps(row[j], step))
		}
	}
	return c
}

func amounts(values []float32, step float32) []int8 {
	list := make([]int8, len(values))
	for i, value := range values {
		list[i] = steps(value, step)
	}
	return list
}
