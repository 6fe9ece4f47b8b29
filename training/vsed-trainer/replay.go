package main

import (
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
	Guard    int     `toml:"guard" json:"guard"`       // and of one that guards
	Coarse   float64 `toml:"coarse" json:"coarse"`     // step of a picture's amounts, beside values with a deviation of 1
	Fine     float64 `toml:"fine" json:"fine"`         // and of a caption's
}

func defaultReplay() replayConfig {
	return replayConfig{Pictures: 384, Captions: 128, Each: 5, Guard: 5, Coarse: 1.5, Fine: 1}
}

// replaySet makes what devices go over again from the photos to learn from, and the
// guard from those that choose.
func (w *workshop) replaySet() (*replay.Set, error) {
	c := w.Replay
	pictures, err := newCoder(w.train.Pictures, c.Pictures, float32(c.Coarse))
	if err != nil {
		return nil, err
	}
	captions, err := newCoder(w.train.sentences, c.Captions, float32(c.Fine/model.SentenceScale))
	if err != nil {
		return nil, err
	}
	part := func(of captioned, each int) replay.Part {
		counts, chosen := of.first(each)
		return replay.Part{Pictures: pictures.amounts(of.Pictures), Captions: captions.amounts(chosen), Counts: counts}
	}
	return &replay.Set{
		Mean: w.standard.Mean, Scale: w.standard.Scale, Pictures: pictures.Code, Captions: captions.Code,
		Train: part(w.train, c.Each), Guard: part(w.dev, c.Guard),
	}, nil
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

// coder brings rows to amounts of components.
type coder struct {
	replay.Code
	directions blas32.General
	step       float32
}

func newCoder(rows [][]float32, components int, step float32) (coder, error) {
	directions, err := principal(rows, components)
	if err != nil {
		return coder{}, err
	}
	c := coder{replay.Code{Width: len(rows[0])}, packed(directions), step}
	for _, direction := range directions {
		largest := float32(0)
		for _, value := range direction {
			largest = max(largest, max(value, -value))
		}
		c.Steps = append(c.Steps, step*largest)
		for _, value := range direction {
			c.Basis = append(c.Basis, steps(value, largest/127))
		}
	}
	return c, nil
}

// amounts are those of rows, component by component.
func (c coder) amounts(rows [][]float32) []int8 {
	found := matrix(c.Components(), len(rows))
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, c.directions, packed(rows), 0, found)
	list := make([]int8, len(found.Data))
	for i, value := range found.Data {
		list[i] = steps(value, c.step)
	}
	return list
}
