package main

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/training/classnames"
	"vsed/training/evaluation"
	"vsed/training/features"
	"vsed/training/model"
	"vsed/training/stage"
)

// A channel gives vectors of unit length for pictures and for sentences.
type channel struct{ pictures, sentences [][]float32 }

// named is the class names' channel, which weighs more for one sentence than for another:
// as much more as in the bundle.
type named struct {
	channel
	emphasis []float64 // of the sentences
}

// joined is the vector of heads and class names, these weighted.
func joined(heads channel, names named, weight float64) (both channel) {
	for i, row := range heads.pictures {
		both.pictures = append(both.pictures, beside(row, names.pictures[i], weight))
	}
	for i, row := range heads.sentences {
		both.sentences = append(both.sentences, beside(row, names.sentences[i], weight*names.emphasis[i]))
	}
	return both
}

func beside(a, b []float32, weight float64) []float32 {
	scale, row := 1/math.Sqrt(1+weight*weight), make([]float32, 0, len(a)+len(b))
	for _, value := range a {
		row = append(row, float32(scale*float64(value)))
	}
	for _, value := range b {
		row = append(row, float32(scale*weight*float64(value)))
	}
	return row
}

// judge holds the photos that choose, in the two forms in which heads and class names
// see them: captioned ones, and tagged ones with the tags as sentences.
type judge struct {
	workshop   *workshop
	tagged     tagged
	vocabulary []string
	tags       [][]float32 // features of the vocabulary, of unit length
	named      [2]named    // of captioned and of tagged photos
	single     []evaluation.Query
	pairs      []evaluation.Query
}

func (w *workshop) judge(ctx context.Context) (*judge, error) {
	j := &judge{workshop: w}
	var err error
	if j.tagged, err = readTagged(w.Data, true, w.standard); err != nil {
		return nil, err
	}
	j.vocabulary = slices.Sorted(maps.Keys(j.tagged.tags))
	for _, tag := range j.vocabulary {
		j.tags = append(j.tags, j.tagged.tags[tag])
	}
	j.single, j.pairs = evaluation.SingleTags(j.tagged.lists()), evaluation.TagPairs(j.tagged.lists())
	j.named, err = j.classNames(ctx)
	return j, err
}

// classNames is the channel that needs no training: what the bundle gives for stored
// features, and the sentences' own features.
func (j *judge) classNames(ctx context.Context) (both [2]named, err error) {
	w := j.workshop
	read, err := bundle.Read(w.Bundle)
	if err != nil {
		return both, err
	}
	part, ok := classnames.Find(read.Vector)
	if !ok {
		return both, errors.New("the bundle " + w.Bundle + " has no heads with class names: name the built-in one, made with heads")
	}
	projector, err := encoder.OpenProjector(ctx, read, w.library, encoder.Options{Threads: w.One.Threads})
	if err != nil {
		return both, err
	}
	defer func() { err = errors.Join(err, projector.Close()) }()
	for i, from := range []struct {
		stored    *features.Pictures
		sentences [][]float32
	}{{w.dev.stored, w.dev.sentences}, {j.tagged.stored, j.tags}} {
		if both[i], err = readNamed(ctx, projector, part, from.stored, from.sentences); err != nil {
			return both, err
		}
	}
	return both, nil
}

// readNamed takes an encoder's vectors apart.
func readNamed(ctx context.Context, projector *encoder.Projector, part classnames.Part, stored *features.Pictures, sentences [][]float32) (n named, err error) {
	vectors, err := projected(ctx, projector, stored)
	if err != nil {
		return n, err
	}
	for _, vector := range vectors {
		n.pictures = append(n.pictures, part.Of(vector))
	}
	n.sentences = sentences
	for _, feature := range sentences {
		found, err := projector.Sentence(ctx, feature)
		if err != nil {
			return n, err
		}
		n.emphasis = append(n.emphasis, part.Emphasis(found))
	}
	return n, nil
}

// projected are an encoder's vectors of photos.
func projected(ctx context.Context, by *encoder.Projector, stored *features.Pictures) (vectors [][]float32, err error) {
	list := make([][]byte, stored.Len())
	for i := range list {
		list[i] = stored.Stored(i)
	}
	found, err := by.Project(ctx, list)
	for _, each := range found {
		vectors = append(vectors, each.GetVector())
	}
	return vectors, err
}

// cut gives some of each vector's values, of unit length.
func cut(vectors [][]float32, begin, end int) (rows [][]float32) {
	for _, vector := range vectors {
		rows = append(rows, unit(vector[begin:end]))
	}
	return rows
}

func unit(values []float32) []float32 {
	var square float64
	for _, value := range values {
		square += float64(value) * float64(value)
	}
	row := make([]float32, len(values))
	for i, value := range values {
		row[i] = float32(float64(value) / math.Sqrt(square))
	}
	return row
}

// heads runs heads on captioned and on tagged photos.
func (j *judge) heads(ctx context.Context, heads stage.Heads) (learned [2]channel, err error) {
	w := j.workshop
	for i, each := range [2]channel{{w.dev.Pictures, w.dev.sentences}, {j.tagged.pictures, j.tags}} {
		if learned[i], err = headsChannel(ctx, w.library, w.One.Threads, heads, each.pictures, each.sentences); err != nil {
			return learned, err
		}
	}
	return learned, nil
}

// headsChannel runs heads.
func headsChannel(ctx context.Context, library *runtime.Library, threads int, heads stage.Heads, pictures, sentences [][]float32) (c channel, err error) {
	if c.pictures, err = heads.Picture.Vectors(ctx, library, threads, pictures); err != nil {
		return c, err
	}
	c.sentences, err = heads.Sentence.Vectors(ctx, library, threads, model.Scaled(sentences))
	return c, err
}

// A found result is what a channel comes to.
type found struct {
	retrieval     evaluation.Retrieval
	single, pairs evaluation.TagReport
	scores        scores // of each tag for each tagged photo
}

// measure judges channels of captioned and of tagged photos.
func (j *judge) measure(channels [2]channel) (f found, err error) {
	if f.retrieval, err = evaluation.Retrieve(evaluation.Captioned{
		Pictures: channels[0].pictures, Captions: channels[0].sentences, Owner: j.workshop.dev.Owner,
	}); err != nil {
		return f, err
	}
	f.scores = channels[1].scores(j.vocabulary)
	f.single, f.pairs, err = j.search(f.scores.of)
	return f, err
}

// search asks for single tags and for pairs.
func (j *judge) search(score func(evaluation.Query) []float64) (single, pairs evaluation.TagReport, err error) {
	f := func(query evaluation.Query) ([]float64, error) { return score(query), nil }
	if single, err = evaluation.MeasureTags(j.single, f); err != nil {
		return single, pairs, err
	}
	pairs, err = evaluation.MeasureTags(j.pairs, f)
	return single, pairs, err
}

// scores are those of all photos for each tag.
type scores struct {
	photos int
	by     map[string][]float64
}

// scores are dot products with the sentences of the vocabulary.
func (c channel) scores(vocabulary []string) scores {
	s := scores{len(c.pictures), map[string][]float64{}}
	for i, tag := range vocabulary {
		for _, picture := range c.pictures {
			s.by[tag] = append(s.by[tag], blas32.DDot(vector(picture), vector(c.sentences[i])))
		}
	}
	return s
}

func vector(values []float32) blas32.Vector {
	return blas32.Vector{N: len(values), Inc: 1, Data: values}
}

// of sums the scores of a query's tags; photos tie by one that nobody has.
func (s scores) of(query evaluation.Query) []float64 {
	sum := make([]float64, s.photos)
	for _, tag := range query.Tags {
		for i, value := range s.by[tag] {
			sum[i] += value
		}
	}
	return sum
}

// plus adds the scores of another channel for a query, standardised like these.
func (s scores) plus(other scores, weight float64) func(evaluation.Query) []float64 {
	return func(query evaluation.Query) []float64 {
		sum := evaluation.Standardise(s.of(query))
		for i, value := range evaluation.Standardise(other.of(query)) {
			sum[i] += weight * value
		}
		return sum
	}
}

// weighted is heads' and class names' channel in one, as the built-in encoder has them.
func (j *judge) weighted(learned [2]channel, weight float64) [2]channel {
	if weight == 0 {
		return learned
	}
	return [2]channel{joined(learned[0], j.named[0], weight), joined(learned[1], j.named[1], weight)}
}
