package stage

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/evaluation"
)

// tagged draws pictures with tags: each side of a nature has a word, which a picture
// carries where that side of it is strong.
func (w world) tagged(count int, seed uint64) (data Tagged) {
	random := rand.New(rand.NewPCG(seed, 3))
	for word := range 2 * natures {
		row := make([]float32, sentenceWidth)
		row[word%sentenceWidth] = 3
		data.Words = append(data.Words, row)
	}
	for range count {
		nature := make([]float64, natures)
		var words []int
		for i := range nature {
			nature[i] = random.NormFloat64()
		}
		for i, value := range nature {
			switch {
			case value > .8:
				words = append(words, 2*i)
			case value < -.8:
				words = append(words, 2*i+1)
			}
		}
		row := make([]float32, pictureWidth)
		for i, weights := range w.see {
			sum := random.NormFloat64() / 3
			for j, value := range nature {
				sum += weights[j] * value
			}
			row[i] = float32(sum)
		}
		data.Pictures, data.Tags = append(data.Pictures, row), append(data.Tags, words)
	}
	return data
}

func precision(t *testing.T, library *runtime.Library, heads Heads, data Tagged) float64 {
	t.Helper()
	pictures, err := heads.Picture.Vectors(t.Context(), library, 1, data.Pictures)
	if err != nil {
		t.Fatal(err)
	}
	words, err := heads.Sentence.Vectors(t.Context(), library, 1, data.Words)
	if err != nil {
		t.Fatal(err)
	}
	lists := make([][]string, len(data.Tags))
	for i, tags := range data.Tags {
		for _, tag := range tags {
			lists[i] = append(lists[i], string(rune('a'+tag)))
		}
	}
	found, err := evaluation.MeasureTags(evaluation.SingleTags(lists), func(query evaluation.Query) ([]float64, error) {
		scores := make([]float64, len(pictures))
		for i, picture := range pictures {
			for j, value := range picture {
				scores[i] += float64(value) * float64(words[query.Tags[0][0]-'a'][j])
			}
		}
		return scores, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.MAP.Value
}

func trialTwo() Two {
	two := DefaultTwo()
	two.Rate, two.Epochs, two.LeastSteps, two.Batch, two.Replay, two.Dropout, two.Noise, two.Threads = 5e-3, 20, 100, 32, 32, .1, .1, 1
	return two
}

// TestTagsAreLearnedAndCaptionsKept: with replay stage II finds tags that nobody had
// heard of, and forgets less than without.
func TestTagsAreLearnedAndCaptionsKept(t *testing.T) {
	library := runtimetest.Load(t)
	w := newWorld()
	captioned, heldCaptions := w.draw(400, 1), w.draw(100, 2)
	tagged, heldTags := w.tagged(200, 1), w.tagged(150, 2)
	start, err := trial().Run(t.Context(), library, trialHeads(0), captioned, silent)
	if err != nil {
		t.Fatal(err)
	}
	before := start.numbers()
	f := func(replay int) (tags, captions float64) {
		two := trialTwo()
		two.Replay = replay
		heads, err := two.Run(t.Context(), library, start, tagged, captioned, func(Epoch) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return precision(t, library, heads, heldTags), firstHits(t, library, heads, heldCaptions)
	}
	tags, captions := f(32)
	_, forgotten := f(0)
	oldTags, oldCaptions := precision(t, library, start, heldTags), firstHits(t, library, start, heldCaptions)
	t.Logf("tags %.1f → %.1f, captions %.1f → %.1f, without replay %.1f", oldTags, tags, oldCaptions, captions, forgotten)
	if tags < oldTags+20 || captions < oldCaptions-15 || forgotten > captions-5 {
		t.Error("too little was learned, or too much forgotten")
	}
	if !slices.Equal(before, start.numbers()) {
		t.Error("the old heads were changed")
	}
}

// TestKeptMixesTheOldWeights: all of them means that nothing was learned.
func TestKeptMixesTheOldWeights(t *testing.T) {
	library := runtimetest.Load(t)
	w := newWorld()
	start, two := trialHeads(0), trialTwo()
	two.Epochs, two.LeastSteps = 1, 2
	f := func(kept float64) []float32 {
		two.Kept = kept
		heads, err := two.Run(t.Context(), library, start, w.tagged(50, 1), w.draw(50, 1), func(Epoch) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return heads.numbers()
	}
	old, learned, mixed, same := start.numbers(), f(0), f(.2), f(1)
	for i, value := range old {
		if math.Abs(float64(same[i]-value)) > 1e-6 {
			t.Fatalf("kept 1: weight %d is %v, was %v", i, same[i], value)
		}
		if want := .2*value + .8*learned[i]; math.Abs(float64(mixed[i]-want)) > 1e-6 {
			t.Fatalf("kept .2: weight %d is %v, want %v", i, mixed[i], want)
		}
	}
}

func TestWhatTagsCannotTeachIsNamed(t *testing.T) {
	f := func(want string, change func(*Two, *Tagged, *Captioned)) {
		t.Helper()
		two, tagged, replay := trialTwo(), newWorld().tagged(50, 1), newWorld().draw(50, 1)
		change(&two, &tagged, &replay)
		_, err := two.Run(t.Context(), nil, trialHeads(0), tagged, replay, func(Epoch) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("there is nothing to learn from", func(_ *Two, tagged *Tagged, _ *Captioned) { tagged.Words = nil })
	f("0 pictures have tags", func(_ *Two, tagged *Tagged, _ *Captioned) { tagged.Tags = make([][]int, 50) })
	f("a picture has tags [12]", func(_ *Two, tagged *Tagged, _ *Captioned) { tagged.Tags[3] = []int{12} })
	f("word 2 has 1 values", func(_ *Two, tagged *Tagged, _ *Captioned) { tagged.Words[2] = []float32{1} })
	f("replay: 0 pictures", func(_ *Two, _ *Tagged, replay *Captioned) { *replay = Captioned{} })
	f("51 pairs a step cannot be replayed from 50", func(two *Two, _ *Tagged, _ *Captioned) { two.Replay = 51 })
	f("kept from 0 to 1", func(two *Two, _ *Tagged, _ *Captioned) { two.Kept = 2 })
}
