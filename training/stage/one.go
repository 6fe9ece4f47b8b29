package stage

import (
	"context"
	"errors"
	"fmt"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/loss"
)

// Losses are the names that One.Loss may have.
func Losses() []string { return []string{"contrastive", "sum", "max", "weighted"} }

// One are the settings of stage I.
type One struct {
	Rates
	Epochs int    `toml:"epochs" json:"epochs"` // over all captions
	Batch  int    `toml:"batch" json:"batch"`   // pairs a step
	Loss   string `toml:"loss" json:"loss"`
	// Temperature divides the scores of the contrastive loss; Margin is that of the
	// others.
	Temperature float64 `toml:"temperature" json:"temperature"`
	Margin      float64 `toml:"margin" json:"margin"`
	Seed        uint64  `toml:"seed" json:"seed"`
}

// DefaultOne is what was best on the development photos.
func DefaultOne() One {
	return One{
		Rates:  Rates{Rate: 1e-3, Decay: 1e-2, WarmUp: .1, Dropout: .4, Threads: 2},
		Epochs: 15, Batch: 384, Loss: "contrastive", Temperature: .07, Margin: .2,
	}
}

// built is a step graph.
type built struct{ model *graph.Model }

// similarity is a loss on pictures and texts by its name.
func (o One) similarity(g *graph.Graph, pictures, texts, negatives, hardness *graph.Value) (*graph.Value, error) {
	scores := g.MatMulTransposed(pictures, texts)
	switch o.Loss {
	case "contrastive":
		return loss.Contrastive(g, g.Scale(scores, 1/o.Temperature), negatives), nil
	case "sum":
		return loss.SumOfHinges(g, scores, negatives, o.Margin), nil
	case "max":
		return loss.Hinges(g, scores, negatives, hardness, o.Margin), nil
	case "weighted":
		return loss.Weighted(g, scores, negatives, o.Margin, 1), nil
	}
	return nil, fmt.Errorf("loss %q is none of %v", o.Loss, Losses())
}

// build writes the graph of a step.
func (o One) build(heads Heads) (b built, err error) {
	g := graph.New("stage-1")
	pictures := g.Input("pictures", o.Batch, heads.Picture.Inputs)
	if o.Noise > 0 {
		pictures = g.Dropout(pictures, g.Input("pictures.clear", o.Batch, heads.Picture.Inputs))
	}
	pictures = heads.Picture.Declare(g).Apply(g, pictures, g.Input("pictures.kept", o.Batch, heads.Picture.Hidden))
	captions := heads.Sentence.Declare(g).Apply(g, g.Input("captions", o.Batch, heads.Sentence.Inputs), g.Input("captions.kept", o.Batch, heads.Sentence.Hidden))
	var hardness *graph.Value
	if o.Loss == "max" {
		hardness = g.Input("hardness", 1)
	}
	total, err := o.similarity(g, pictures, captions, g.Mask("negatives", o.Batch, o.Batch), hardness)
	if err != nil {
		return b, err
	}
	b.model, err = g.Training(total)
	return b, err
}

func (o One) check(data Captioned) error {
	switch {
	case o.Batch < 2 || o.Batch > len(data.Captions):
		return fmt.Errorf("a batch of %d pairs cannot be drawn from %d captions: set batch to 2 or more, and not above", o.Batch, len(data.Captions))
	case o.Epochs < 1:
		return fmt.Errorf("%d epochs: one is the least", o.Epochs)
	case o.Dropout < 0 || o.Dropout >= 1 || o.Noise < 0 || o.Noise >= 1 || o.Average < 0 || o.Average >= 1:
		return errors.New("dropout, noise and average lie from 0 up to, not at, 1")
	case o.Loss == "contrastive" && !(o.Temperature > 0):
		return fmt.Errorf("the temperature is %v: it must be above 0", o.Temperature)
	}
	return nil
}

// Epoch is a point of the curve.
type Epoch struct {
	Number int     `json:"epoch"` // from 1
	Loss   float64 `json:"loss"`  // mean over its steps
}

// Run trains the heads in place from where they are and gives those to use, which may
// be others. After each epoch it calls report, whose error ends the run.
func (o One) Run(ctx context.Context, library *runtime.Library, heads Heads, data Captioned, report func(Epoch, Heads) error) (learned Heads, err error) {
	if err := errors.Join(data.check(heads), o.check(data)); err != nil {
		return heads, err
	}
	graph, err := o.build(heads)
	if err != nil {
		return heads, err
	}
	run, err := open(library, graph, heads, o.Rates)
	if err != nil {
		return heads, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	perEpoch := len(data.Captions) / o.Batch
	l, err := optimise(run, heads, o.Rates, o.Epochs*perEpoch, o.Seed)
	if err != nil {
		return heads, err
	}
	for number := range o.Epochs {
		order := l.random.Perm(len(data.Captions))
		sum := 0.0
		for at := range perEpoch {
			o.batch(l, data, order[at*o.Batch:(at+1)*o.Batch])
			if h := run.Numbers("hardness"); h != nil {
				h[0] = hardness(number, o.Epochs)
			}
			loss, err := l.take(ctx)
			if err != nil {
				return heads, err
			}
			sum += loss
		}
		if err := report(Epoch{number + 1, sum / float64(perEpoch)}, l.learned()); err != nil {
			return heads, err
		}
	}
	return l.learned(), nil
}

// hardness rises over the first third of the epochs: from scratch the maximum of
// hinges collapses.
func hardness(epoch, epochs int) float32 { return float32(min(1, 3*float64(epoch)/float64(epochs))) }

// batch fills in pairs by the places of their captions.
func (o One) batch(l *learner, data Captioned, captions []int) {
	pictures := make([]int, len(captions))
	for i, caption := range captions {
		pictures[i] = data.Owner[caption]
	}
	o.pictures(l, data, pictures)
	fill(l.step.Numbers("captions"), data.Captions, captions)
	negatives := l.step.Mask("negatives")
	for i, picture := range pictures {
		for j, other := range pictures {
			negatives[i*len(pictures)+j] = picture != other
		}
	}
	l.drop(l.step.Numbers("pictures.kept"), o.Dropout)
	l.drop(l.step.Numbers("captions.kept"), o.Dropout)
	l.drop(l.step.Numbers("pictures.clear"), o.Noise)
}

// pictures fills in a form of each picture.
func (o One) pictures(l *learner, data Captioned, places []int) {
	batch, width := l.step.Numbers("pictures"), len(data.Pictures[0])
	for i, place := range places {
		form := data.Pictures
		if chosen := l.random.IntN(1 + len(data.Views)); chosen > 0 {
			form = data.Views[chosen-1]
		}
		copy(batch[i*width:(i+1)*width], form[place])
	}
}
