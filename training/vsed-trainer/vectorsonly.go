package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/feature"
	"vsed/training/learn"
	"vsed/training/ridge"
	"vsed/training/stage"
)

// given are an encoder's vectors, of which nothing is known: as of a model of a hub.
type given struct {
	captioned channel
	tagged    channel // photos that choose, and the vocabulary
	learn     rows    // photos to learn from
	words     map[string][]float32
	general   [][]float32 // sentences of nobody's photos
}

// rows are vectors in memory.
type rows [][]float32

func (r rows) Len() int                            { return len(r) }
func (r rows) Width() int                          { return len(r[0]) }
func (r rows) Row(into []float32, i int) []float32 { return append(into, r[i]...) }

// addVectorsOnly adds the rows of the bundle taken as a model of a hub: the heads' part of
// its vectors alone, and all of them.
func (e *evaluate) addVectorsOnly(ctx context.Context, seeds uint64) (err error) {
	if e.learn, err = readTagged(e.Data, false, e.standard); err != nil {
		return err
	}
	whole, parts, err := e.given(ctx)
	if err != nil {
		return err
	}
	for _, width := range parts {
		if err := e.addGiven(ctx, fmt.Sprintf("vectors of %d values", width), whole.first(width), seeds); err != nil {
			return err
		}
	}
	return nil
}

// given gives the bundle's vectors, and the lengths of their first part and of all.
func (e *evaluate) given(ctx context.Context) (g given, parts []int, err error) {
	read, err := bundle.Read(e.Bundle)
	if err != nil {
		return g, nil, err
	}
	open, err := encoder.OpenProjector(ctx, read, e.library, encoder.Options{Threads: e.One.Threads})
	if err != nil {
		return g, nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	general, err := e.general(ctx, read)
	if err != nil {
		return g, nil, err
	}
	sentences := func(features [][]float32) (vectors [][]float32) {
		for _, each := range features {
			vector, failed := open.Sentence(ctx, each)
			err = errors.Join(err, failed)
			vectors = append(vectors, vector)
		}
		return vectors
	}
	var problems [3]error
	g.captioned.pictures, problems[0] = projected(ctx, open, e.dev.stored)
	g.tagged.pictures, problems[1] = projected(ctx, open, e.judge.tagged.stored)
	g.learn, problems[2] = projected(ctx, open, e.learn.stored)
	g.captioned.sentences, g.tagged.sentences, g.general = sentences(e.dev.sentences), sentences(e.judge.tags), sentences(general)
	names := slices.Sorted(maps.Keys(e.learn.tags))
	g.words = map[string][]float32{}
	for _, name := range names {
		g.words[name] = sentences([][]float32{e.learn.tags[name]})[0]
	}
	parts = slices.Compact([]int{read.Vector[0].Dimensions, read.Dimensions()})
	return g, parts, errors.Join(err, errors.Join(problems[:]...))
}

// general are the features of sentences of nobody's photos.
func (e *evaluate) general(ctx context.Context, of *bundle.Bundle) (features [][]float32, err error) {
	open, err := encoder.OpenSentences(ctx, of.Path("."), of.Text, e.library)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	for _, sentence := range learn.GeneralSentences() {
		feature, err := open.Feature(ctx, sentence)
		if err != nil {
			return nil, err
		}
		features = append(features, feature)
	}
	return features, nil
}

// first gives the first values of all vectors; photos' as they would be stored.
func (g given) first(width int) given {
	kept := bundle.Manifest{Features: bundle.VectorFeatures(width)}
	store := func(vectors [][]float32) [][]float32 {
		list := cut(vectors, 0, width)
		for i, vector := range list {
			list[i] = unit(feature.Values(nil, feature.Quantise(vector, kept.Widths()), kept.Widths()))
		}
		return list
	}
	words := map[string][]float32{}
	for name, vector := range g.words {
		words[name] = unit(vector[:width])
	}
	return given{
		channel{store(g.captioned.pictures), cut(g.captioned.sentences, 0, width)},
		channel{store(g.tagged.pictures), cut(g.tagged.sentences, 0, width)}, store(g.learn), words, cut(g.general, 0, width),
	}
}

// addGiven adds what vectors come to, before and after tags were learned beside them.
func (e *evaluate) addGiven(ctx context.Context, what string, g given, seeds uint64) error {
	before, err := e.judge.measure([2]channel{g.captioned, g.tagged})
	if err != nil {
		return err
	}
	e.table.addFound(what+", before", before)
	for seed := range seeds {
		for _, count := range counts() {
			places := e.learn.draw(count, seed)
			tags, err := learnFrom(chosen{g.learn, places}, e.learn.examples(places), rows(g.tagged.pictures), ridge.OptionsFor(g.learn.Width(), true))
			if err != nil {
				return err
			}
			when := fmt.Sprintf("%s, %d tagged photos: ", what, count)
			if err := e.addChannel(when+"learned tags alone", tags); err != nil {
				return err
			}
			single, pairs, err := e.judge.search(before.scores.plus(tags.scores, ridge.Weight(count)))
			if err != nil {
				return err
			}
			e.table.addTags(when+"vectors and learned tags", single, pairs)
			if err := e.addMapped(ctx, when, g, places, seed, tags); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapFolds are in how many parts photos are put aside to choose by, in turn.
const mapFolds = 4

// addMapped adds what maps of the vectors come to, of which as much is kept as sentences of
// nobody's photos allow, asked about photos held out in turn.
func (e *evaluate) addMapped(ctx context.Context, when string, g given, places []int, seed uint64, tags learnedTags) error {
	var held []stage.Held
	for fold := range mapFolds {
		var from, out []int
		for i, place := range places {
			if i%mapFolds == fold {
				out = append(out, place)
			} else {
				from = append(from, place)
			}
		}
		mapped, err := e.learnMaps(ctx, g, from, seed)
		if err != nil {
			return err
		}
		held = append(held, stage.Held{Maps: mapped, Pictures: some(g.learn, out)})
	}
	kept, likeness, err := stage.LeastKept(ctx, e.library, e.Two.Threads, held, g.general)
	if err != nil {
		return err
	}
	whole, err := e.learnMaps(ctx, g, places, seed)
	if err != nil {
		return err
	}
	whole.Blend(stage.NewMaps(g.learn.Width()), kept)
	e.table.add(when+"maps", "kept", kept)
	e.table.add(when+"maps", "likeness", 100*likeness)
	var seen [2]channel
	for i, each := range []channel{g.captioned, g.tagged} {
		if seen[i].pictures, err = whole.Picture.Vectors(ctx, e.library, e.Two.Threads, each.pictures); err != nil {
			return err
		}
		if seen[i].sentences, err = whole.Sentence.Vectors(ctx, e.library, e.Two.Threads, each.sentences); err != nil {
			return err
		}
	}
	found, err := e.judge.measure(seen)
	if err != nil {
		return err
	}
	e.table.addFound(when+"maps", found)
	single, pairs, err := e.judge.search(found.scores.plus(tags.scores, ridge.Weight(len(places))))
	e.table.addTags(when+"maps and learned tags", single, pairs)
	return err
}

func some(from [][]float32, places []int) (rows [][]float32) {
	for _, place := range places {
		rows = append(rows, from[place])
	}
	return rows
}

// learnMaps learns from photos by their places.
func (e *evaluate) learnMaps(ctx context.Context, g given, places []int, seed uint64) (stage.Heads, error) {
	data := stage.Tagged{Known: g.general}
	vocabulary := map[string]int{}
	for _, place := range places {
		for _, tag := range e.learn.set[place].Tags {
			vocabulary[tag] = 0
		}
	}
	for i, tag := range slices.Sorted(maps.Keys(vocabulary)) {
		vocabulary[tag] = i
		data.Words = append(data.Words, g.words[tag])
	}
	for _, place := range places {
		var words []int
		for _, tag := range e.learn.set[place].Tags {
			words = append(words, vocabulary[tag])
		}
		slices.Sort(words)
		data.Pictures, data.Tags = append(data.Pictures, g.learn[place]), append(data.Tags, words)
	}
	two := stage.MapsOf(data.Pictures, data.Known)
	two.Seed, two.Threads = seed, e.Two.Threads
	two.Epochs, two.LeastSteps = e.Two.Epochs, e.Two.LeastSteps
	return two.Run(ctx, e.library, stage.NewMaps(g.learn.Width()), data, stage.Captioned{}, func(stage.Epoch) error { return nil })
}
