package stage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/loss"
)

// Losses are the names that One.Loss may have.
func Losses() []string { return []string{"contrastive", "sum", "max", "weighted"} }

// One are the settings of stage I.
type One struct {
	Rates
	Epochs int `toml:"epochs" json:"epochs"` // over all captions
	Batch  int `toml:"batch" json:"batch"`   // pairs a step
	// Captions is how many captions of a picture a step has, in as many pairs: the
	// picture, which is most of the work, goes through its head once.
	Captions int    `toml:"captions" json:"captions"`
	Loss     string `toml:"loss" json:"loss"`
	// Tags is λ2, the weight of the loss on pictures and their words beside that on
	// pictures and captions, whose weight is 1; 0 leaves it out.
	Tags float64 `toml:"tags" json:"tags"`
	// Temperature divides the scores of the contrastive loss; Margin is that of the
	// others.
	Temperature float64 `toml:"temperature" json:"temperature"`
	Margin      float64 `toml:"margin" json:"margin"`
	// AtOnce has the largest hinge alone count from the first step of "max", without a
	// warm-up by the sum; features that are standardised do not collapse.
	AtOnce bool   `toml:"at_once" json:"at_once,omitempty"`
	Seed   uint64 `toml:"seed" json:"seed"`
	Saving Saving `toml:"-" json:"-"`
}

// DefaultOne is what was best on the development photos.
func DefaultOne() One {
	return One{
		Rates:  Rates{Rate: 1e-3, Decay: 1e-2, WarmUp: .1, Dropout: .4, Noise: .4, Threads: 2},
		Epochs: 15, Batch: 384, Captions: 1, Loss: "contrastive", Tags: .3, Temperature: .07, Margin: .2,
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
	count := o.Batch / o.Captions
	pictures := g.Input("pictures", count, heads.Picture.Inputs)
	if o.Noise > 0 {
		pictures = g.Dropout(pictures, g.Input("pictures.clear", count, heads.Picture.Inputs))
	}
	pictures = heads.Picture.Declare(g).Apply(g, pictures, g.Input("pictures.kept", count, heads.Picture.Hidden))
	shown := pictures
	if o.Captions > 1 {
		pictures = g.Concat(0, slices.Repeat([]*graph.Value{shown}, o.Captions)...)
	}
	sentence := heads.Sentence.Declare(g)
	captions := sentence.Apply(g, g.Input("captions", o.Batch, heads.Sentence.Inputs), g.Input("captions.kept", o.Batch, heads.Sentence.Hidden))
	var hardness *graph.Value
	if o.Loss == "max" {
		hardness = g.Input("hardness", 1)
	}
	total, err := o.similarity(g, pictures, captions, g.Mask("negatives", o.Batch, o.Batch), hardness)
	if err == nil && o.Tags > 0 {
		tags := sentence.Apply(g, g.Input("tags", count, heads.Sentence.Inputs), g.Input("tags.kept", count, heads.Sentence.Hidden))
		var second *graph.Value
		second, err = o.similarity(g, shown, tags, g.Mask("tags.negatives", count, count), hardness)
		total = g.Add(total, g.Scale(second, o.Tags))
	}
	if err != nil {
		return b, err
	}
	b.model, err = g.Training(total)
	return b, err
}

// Check says whether heads can learn from captions by these settings; Run asks, too.
func (o One) Check(heads Heads, data Captioned) error {
	if err := data.check(heads); err != nil {
		return err
	}
	switch {
	case !slices.Contains(Losses(), o.Loss):
		return fmt.Errorf("loss %q is none of %v", o.Loss, Losses())
	case o.Batch < 2 || o.Batch > len(data.Captions):
		return fmt.Errorf("a batch of %d pairs cannot be drawn from %d captions: set batch to 2 or more, and not above", o.Batch, len(data.Captions))
	case o.Captions < 1 || o.Batch%o.Captions != 0 || o.Batch/o.Captions > len(newDealer(data.Owner, nil).holders):
		return fmt.Errorf("a batch of %d pairs cannot have %d captions of each of its pictures: set captions to a divisor of batch", o.Batch, o.Captions)
	case o.Tags > 0 && len(data.Tags) != len(data.Pictures):
		return fmt.Errorf("%d pictures have tags, of %d: set tags to 0 where there are none", len(data.Tags), len(data.Pictures))
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

// Steps is how many a run on these captions takes.
func (o One) Steps(data Captioned) int { return o.Epochs * (len(data.Captions) / o.Batch) }

// Run trains the heads in place from where they are and gives those to use, which may
// be others. After each epoch it calls report, whose error ends the run.
func (o One) Run(ctx context.Context, library *runtime.Library, heads Heads, data Captioned, report func(Epoch, Heads) error) (learned Heads, err error) {
	if err := o.Check(heads, data); err != nil {
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
	deal := newDealer(data.Owner, l.random)
	save, err := l.resume(o.Saving, o, data.Digest, o.Epochs*perEpoch, deal)
	if err != nil {
		return heads, err
	}
	for number := l.adam.Steps(); number < o.Epochs*perEpoch; number++ {
		epoch, last := number/perEpoch, (number+1)%perEpoch == 0
		o.batch(l, data, deal.next(o.Batch/o.Captions), deal)
		if h := run.Numbers("hardness"); h != nil {
			h[0] = o.hardness(epoch)
		}
		loss, err := l.take(ctx)
		if err != nil {
			return heads, err
		}
		if mean := save.add(loss, last); last {
			if err := report(Epoch{epoch + 1, mean}, l.learned()); err != nil {
				return heads, err
			}
		}
		if err := save.keep(); err != nil {
			return heads, err
		}
	}
	return l.learned(), nil
}

// hardness rises over the first third of the epochs unless it is there at once: from
// scratch the maximum of hinges may collapse.
func (o One) hardness(epoch int) float32 {
	if o.AtOnce {
		return 1
	}
	return float32(min(1, 3*float64(epoch)/float64(o.Epochs)))
}

// batch fills in pictures by their places, each with some of its captions.
func (o One) batch(l *learner, data Captioned, pictures []int, deal *dealer) {
	l.pairs(data, pictures, o.Captions, deal)
	if o.Tags > 0 {
		l.words(data.Words, data.Tags, pictures)
	}
	l.drop(l.step.Numbers("pictures.kept"), o.Dropout)
	l.drop(l.step.Numbers("captions.kept"), o.Dropout)
	l.drop(l.step.Numbers("tags.kept"), o.Dropout)
	l.drop(l.step.Numbers("pictures.clear"), o.Noise)
}

// pairs fills in pictures by their places, each with so many of its captions.
func (l *learner) pairs(data Captioned, pictures []int, each int, deal *dealer) {
	count := len(pictures)
	captions := make([]int, count*each)
	for i, picture := range pictures {
		for j, caption := range deal.captions(picture, each) {
			captions[j*count+i] = caption
		}
	}
	l.pictures(data, pictures)
	fill(l.step.Numbers("captions"), data.Captions, captions)
	negatives := l.step.Mask("negatives")
	for i := range captions {
		for j := range captions {
			negatives[i*len(captions)+j] = pictures[i%count] != pictures[j%count]
		}
	}
}

// pictures fills in a form of each picture.
func (l *learner) pictures(data Captioned, places []int) {
	batch, width := l.step.Numbers("pictures"), len(data.Pictures[0])
	for i, place := range places {
		form := data.Pictures
		if chosen := l.random.IntN(1 + len(data.Views)); chosen > 0 {
			form = data.Views[chosen-1]
		}
		copy(batch[i*width:(i+1)*width], form[place])
	}
}

// A dealer gives pictures so that each comes once before any comes again, and their
// captions likewise.
type dealer struct {
	random  *rand.Rand
	order   []int   // pictures still to come
	owned   [][]int // captions of each picture, in the order in which they come
	dealt   []int   // how many of them have come
	holders []int   // the pictures that have captions
}

// newDealer is for captions whose pictures are named.
func newDealer(owner []int, random *rand.Rand) *dealer {
	d := &dealer{random: random}
	for caption, picture := range owner {
		for len(d.owned) <= picture {
			d.owned = append(d.owned, nil)
		}
		d.owned[picture] = append(d.owned[picture], caption)
	}
	d.dealt = make([]int, len(d.owned))
	for picture, captions := range d.owned {
		if len(captions) > 0 {
			d.holders = append(d.holders, picture)
		}
	}
	return d
}

// next gives different pictures.
func (d *dealer) next(count int) []int {
	if len(d.order) < count {
		d.order = slices.Clone(d.holders)
		d.random.Shuffle(len(d.order), func(i, j int) { d.order[i], d.order[j] = d.order[j], d.order[i] })
	}
	var pictures []int
	pictures, d.order = d.order[:count], d.order[count:]
	return pictures
}

// captions gives so many of a picture's, the same again only where it has fewer.
func (d *dealer) captions(picture, count int) (captions []int) {
	own := d.owned[picture]
	for range count {
		at := d.dealt[picture] % len(own)
		if at == 0 {
			d.random.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
		}
		captions = append(captions, own[at])
		d.dealt[picture]++
	}
	return captions
}
