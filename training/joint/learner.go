package joint

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/optimizer"
	"vsed/training/step"
	"vsed/training/words"
)

// learner is a step's graph with what fills it in and changes its weights.
type learner struct {
	Settings
	model   *Model
	step    *step.Step
	adam    *optimizer.Adam
	source  *rand.PCG
	random  *rand.Rand
	table   *optimizer.Parameter // the words; nil where they stay
	collect *optimizer.Collector
	// parameters are what the step learns, the table first.
	parameters []*optimizer.Parameter

	sentences []int32   // rows of Words that the step's words are; below 0: none
	tags      [][]int32 // and its tag vectors
	rows      []int32   // of both, each use
	gradient  []float32 // for rows
}

func newLearner(library *runtime.Library, model *Model, s Settings) (*learner, error) {
	written, err := s.build(model.Sizes)
	if err != nil {
		return nil, err
	}
	l := &learner{Settings: s, model: model, source: rand.NewPCG(s.Seed, 1), collect: optimizer.NewCollector(model.Vocabulary)}
	l.random = rand.New(l.source)
	if l.step, err = step.Open(library, written, model.weights(), runtime.Options{Threads: s.Threads}); err != nil {
		return nil, err
	}
	l.sentences = make([]int32, len(l.step.Numbers("words"))/model.Word)
	l.tags = make([][]int32, len(l.step.Numbers("tags"))/model.Word)
	settings := optimizer.DefaultSettings()
	settings.Decay, settings.Clip, settings.Threads = s.Decay, s.Clip, s.Threads
	l.learn(written)
	if l.adam, err = optimizer.NewAdam(settings, l.parameters...); err != nil {
		return nil, errors.Join(err, l.step.Close())
	}
	return l, nil
}

// learn lists the parameters: the table of words and the weights that the graph has.
func (l *learner) learn(written *graph.Model) {
	if !l.FixedWords {
		l.table = &optimizer.Parameter{Name: "words", Values: l.model.Words, Width: l.model.Word}
		l.parameters = append(l.parameters, l.table)
	}
	for _, tensor := range l.model.tensors {
		if slices.ContainsFunc(written.Inputs, func(port graph.Port) bool { return port.Name == tensor.Name }) {
			l.parameters = append(l.parameters, &optimizer.Parameter{
				Name: tensor.Name, Values: tensor.Values, Gradient: l.step.Gradient(tensor.Name), Decayed: !tensor.Offset,
			})
		}
	}
}

// take takes a step at a rate on captions by their numbers and on tagged pictures by
// their places.
func (l *learner) take(ctx context.Context, captioned Data, captions []int, tagged Data, places []int, rate float64) (float64, error) {
	l.fill(captioned, captions, tagged, places)
	loss, err := l.step.Run(ctx)
	if err != nil {
		return loss, err
	}
	if l.table != nil {
		l.collectWords()
	}
	_, err = l.adam.Step(rate)
	return loss, err
}

func (l *learner) fill(captioned Data, captions []int, tagged Data, places []int) {
	batch, width := l.step.Numbers("pictures"), l.model.Picture
	owners := make([]int, len(captions))
	for i, caption := range captions {
		owners[i] = captioned.Owner[caption]
		copy(batch[i*width:(i+1)*width], captioned.Pictures[owners[i]])
	}
	for i, place := range places {
		at := len(captions) + i
		copy(batch[at*width:(at+1)*width], tagged.Pictures[place])
	}
	l.drop(l.step.Numbers("pictures.clear"))
	if len(l.sentences) > 0 {
		l.fillSentences(captioned, captions, owners)
	}
	own := l.ownTags()
	if own > 0 {
		l.fillTags(captioned, owners, 0, "tags.negatives")
	}
	if len(places) > 0 {
		l.fillTags(tagged, places, own, "web.negatives")
	}
}

// fillSentences looks up the words of captions. Two captions of one picture are no
// wrong answers to each other's.
func (l *learner) fillSentences(data Data, captions, owners []int) {
	count := len(captions)
	padding := l.step.Numbers("padding")
	for i, caption := range captions {
		lay(l.sentences, padding, i, count, data.Captions[caption], l.Length)
	}
	for i, row := range l.sentences {
		if row > words.Unknown && l.Unknown > 0 && l.random.Float64() < l.Unknown {
			l.sentences[i] = words.Unknown
		}
	}
	optimizer.Look(l.model.Words, l.model.Word, l.sentences, l.step.Numbers("words"))
	negatives := l.step.Mask("captions.negatives")
	for i, a := range owners {
		for j, b := range owners {
			negatives[i*count+j] = a != b
		}
	}
}

// lay puts a sentence into its column of rows and of the padding, which is 1 where the
// sentence has ended. Of one that is too long the last word, which says that it ends,
// stays.
func lay(rows []int32, padding []float32, column, columns int, sentence []int32, length int) {
	for at := range length {
		place := at*columns + column
		switch {
		case at >= len(sentence):
			rows[place], padding[place] = -1, 1
		case at == length-1:
			rows[place], padding[place] = sentence[len(sentence)-1], 0
		default:
			rows[place], padding[place] = sentence[at], 0
		}
	}
}

// fillTags makes the tag vectors of pictures by their places, into the step's from one
// on: the mean of the words of some of a picture's tags. Pictures that share tags with a
// vector are no wrong answers to it, nor are those without any tag, of which nothing is
// known.
func (l *learner) fillTags(data Data, places []int, from int, mask string) {
	negatives, count := l.step.Mask(mask), len(places)
	for column, place := range places {
		tags := l.some(data.Tags[place])
		var used []int32
		for _, tag := range tags {
			used = append(used, data.TagWords[tag]...)
		}
		l.tags[from+column] = used
		mean(l.model.Words, l.model.Word, used, l.step.Numbers("tags")[(from+column)*l.model.Word:])
		for row, other := range places {
			negatives[row*count+column] = len(tags) > 0 && len(data.Tags[other]) > 0 && !l.shares(data.Tags[other], tags)
		}
	}
}

// some draws MostTags of a picture's tags.
func (l *learner) some(tags []int) []int {
	if l.MostTags == 0 || len(tags) <= l.MostTags {
		return tags
	}
	drawn := slices.Clone(tags)
	l.random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:l.MostTags]
}

// shares reports whether a picture with tags is no wrong answer to drawn ones.
func (s Settings) shares(tags, drawn []int) bool {
	has := func(tag int) bool {
		_, found := slices.BinarySearch(tags, tag)
		return found
	}
	if s.Sharing == "any" {
		return slices.ContainsFunc(drawn, has)
	}
	return !slices.ContainsFunc(drawn, func(tag int) bool { return !has(tag) })
}

// mean of words' vectors; zeros where there is none.
func mean(table []float32, width int, rows []int32, into []float32) {
	into = into[:width]
	clear(into)
	for _, row := range rows {
		for j, value := range table[int(row)*width : (int(row)+1)*width] {
			into[j] += value / float32(len(rows))
		}
	}
}

// collectWords adds up what the loss gains with each word that the step has used.
func (l *learner) collectWords() {
	width := l.model.Word
	l.rows = append(l.rows[:0], l.sentences...)
	l.gradient = append(l.gradient[:0], l.step.Gradient("words")...)
	gradient := l.step.Gradient("tags")
	for i, used := range l.tags {
		for _, row := range used {
			l.rows = append(l.rows, row)
			for _, value := range gradient[i*width : (i+1)*width] {
				l.gradient = append(l.gradient, value/float32(len(used)))
			}
		}
	}
	l.collect.Collect(l.table, l.rows, l.gradient)
}

// drop fills the dropout of the pictures' values.
func (l *learner) drop(clear []float32) {
	kept := float32(1 / (1 - l.Noise))
	for i := range clear {
		clear[i] = 0
		if l.random.Float32() >= float32(l.Noise) {
			clear[i] = kept
		}
	}
}
