// Package stage trains heads: stage I on captioned pictures, stage II on tagged ones.
// It is given features in memory and settings, and gives back weights and curves; where
// features come from and where weights go is its caller's business.
package stage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"vsed/encoders/runtime"
	"vsed/training/checkpoint"
	"vsed/training/model"
	"vsed/training/optimizer"
	"vsed/training/step"
)

// Heads are what is trained: pictures and sentences come into one space.
type Heads struct{ Picture, Sentence *model.Head }

// Clone is a pair of heads of the same weights, which change on their own.
func (h Heads) Clone() Heads { return Heads{h.Picture.Clone(), h.Sentence.Clone()} }

// Blend moves both heads towards others: see model.Head.
func (h Heads) Blend(other Heads, part float64) {
	h.Picture.Blend(other.Picture, part)
	h.Sentence.Blend(other.Sentence, part)
}

func (h Heads) tensors() []model.Tensor {
	return append(h.Picture.Tensors(), h.Sentence.Tensors()...)
}

// numbers are all weights, one after another.
func (h Heads) numbers() (values []float32) {
	for _, tensor := range h.tensors() {
		values = append(values, tensor.Values...)
	}
	return values
}

// State is a copy of the weights for a checkpoint.
func (h Heads) State() (tensors []checkpoint.Tensor) {
	for _, tensor := range h.tensors() {
		tensors = append(tensors, checkpoint.Tensor{Name: tensor.Name, Values: slices.Clone(tensor.Values)})
	}
	return tensors
}

// Restore fills in the weights that State gave.
func (h Heads) Restore(state checkpoint.State) error {
	for _, tensor := range h.tensors() {
		if err := state.Restore(tensor.Name, tensor.Values); err != nil {
			return err
		}
	}
	return nil
}

// NewHeads draws heads for features of so many values.
func NewHeads(picture, sentence model.Sizes, seed uint64) Heads {
	random := rand.New(rand.NewPCG(seed, 0))
	return Heads{model.NewHead("picture", picture, random), model.NewHead("sentence", sentence, random)}
}

// Captioned are pictures in the form that heads take, captions likewise, and for each
// caption the place of its picture. Views are other forms of the same pictures, each
// list in their order; a step takes one of all forms by chance.
type Captioned struct {
	Pictures [][]float32
	Views    [][][]float32
	Captions [][]float32
	Owner    []int
	// Words are in the form that heads take, and Tags the places of those that each
	// picture has, in rising order; none where tags are not learned from.
	Words [][]float32
	Tags  [][]int
}

func (c Captioned) check(heads Heads) error {
	if len(c.Pictures) == 0 || len(c.Captions) == 0 || len(c.Owner) != len(c.Captions) {
		return fmt.Errorf("%d pictures, %d captions and %d owners: there is nothing to learn from", len(c.Pictures), len(c.Captions), len(c.Owner))
	}
	for _, owner := range c.Owner {
		if owner < 0 || owner >= len(c.Pictures) {
			return fmt.Errorf("a caption is of picture %d, where there are %d", owner, len(c.Pictures))
		}
	}
	for _, view := range c.Views {
		if len(view) != len(c.Pictures) {
			return fmt.Errorf("a view of %d pictures, where there are %d", len(view), len(c.Pictures))
		}
	}
	for _, view := range append(c.Views, c.Pictures) {
		if err := widths("picture", view, heads.Picture.Inputs); err != nil {
			return err
		}
	}
	return widths("caption", c.Captions, heads.Sentence.Inputs)
}

func widths(what string, rows [][]float32, width int) error {
	for i, row := range rows {
		if len(row) != width {
			return fmt.Errorf("%s %d has %d values, its head takes %d", what, i, len(row), width)
		}
	}
	return nil
}

// Rates say how weights are changed.
type Rates struct {
	Rate    float64 `toml:"rate" json:"rate"`       // the largest
	Decay   float64 `toml:"decay" json:"decay"`     // AdamW's
	WarmUp  float64 `toml:"warm_up" json:"warm_up"` // part of the steps in which the rate rises
	Dropout float64 `toml:"dropout" json:"dropout"` // of both hidden layers
	Noise   float64 `toml:"noise" json:"noise"`     // dropout of the pictures' values
	Average float64 `toml:"average" json:"average"` // of the weights over steps: how much of it stays at each; 0: the last weights
	Threads int     `toml:"threads" json:"threads"` // that a step uses
}

// learner is a step graph with what changes its weights.
type learner struct {
	step    *step.Step
	adam    *optimizer.Adam
	source  *rand.PCG // of random
	random  *rand.Rand
	heads   Heads
	average Heads // running mean of the heads; none where rates.Average is 0
	rates   Rates
	rate    optimizer.Schedule
}

// optimise makes the learner of a step whose heads are in place.
func optimise(run *step.Step, heads Heads, rates Rates, steps int, seed uint64) (*learner, error) {
	source := rand.NewPCG(seed, 1)
	l := &learner{step: run, source: source, random: rand.New(source), heads: heads, rates: rates, rate: optimizer.OneCycle(rates.Rate, steps, rates.WarmUp)}
	var parameters []*optimizer.Parameter
	for _, tensor := range heads.tensors() {
		parameters = append(parameters, &optimizer.Parameter{
			Name: tensor.Name, Values: tensor.Values, Gradient: run.Gradient(tensor.Name), Decayed: tensor.Decayed,
		})
	}
	settings := optimizer.DefaultSettings()
	settings.Decay, settings.Threads = rates.Decay, rates.Threads
	var err error
	l.adam, err = optimizer.NewAdam(settings, parameters...)
	if rates.Average > 0 {
		l.average = heads.Clone()
	}
	return l, err
}

// open loads a step graph on the weights of heads.
func open(library *runtime.Library, g built, heads Heads, rates Rates) (*step.Step, error) {
	weights := map[string][]float32{}
	for _, tensor := range heads.tensors() {
		weights[tensor.Name] = tensor.Values
	}
	return step.Open(library, g.model, weights, runtime.Options{Threads: rates.Threads})
}

// take takes one step on the batch that is there.
func (l *learner) take(ctx context.Context) (loss float64, err error) {
	number := l.adam.Steps()
	if loss, err = l.step.Run(ctx); err != nil {
		return loss, err
	}
	if _, err = l.adam.Step(l.rate(number)); err != nil {
		return loss, err
	}
	if l.rates.Average > 0 {
		// The first weights are drawn, and would stay in the mean for long.
		l.average.Blend(l.heads, 1-min(l.rates.Average, float64(number)/float64(number+10)))
	}
	return loss, nil
}

// learned are the heads to use.
func (l *learner) learned() Heads {
	if l.rates.Average > 0 {
		return l.average
	}
	return l.heads
}

// drop fills the dropout of a layer: 0 at a rate, and elsewhere what keeps the mean.
func (l *learner) drop(kept []float32, rate float64) {
	if len(kept) == 0 {
		return
	}
	below := uint64(math.Round(rate * (1 << 16)))
	values := [2]float32{float32(1 / (1 - rate)), 0}
	for i := 0; i < len(kept); i += 4 {
		for j, bits := i, l.random.Uint64(); j < min(i+4, len(kept)); j, bits = j+1, bits>>16 {
			kept[j] = values[((bits&0xffff)-below)>>63]
		}
	}
}

// fill copies rows into a batch.
func fill(batch []float32, rows [][]float32, places []int) {
	width := len(rows[0])
	for i, place := range places {
		copy(batch[i*width:(i+1)*width], rows[place])
	}
}
