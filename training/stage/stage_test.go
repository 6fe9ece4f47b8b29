package stage

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/evaluation"
	"vsed/training/model"
)

// world are things with a hidden nature, of which a picture shows one mixture and each
// of two captions another, with noise.
type world struct{ see, say [][]float64 }

const (
	natures       = 6
	pictureWidth  = 20
	sentenceWidth = 12
)

func newWorld() world {
	random := rand.New(rand.NewPCG(1, 1))
	mixture := func(width int) [][]float64 {
		rows := make([][]float64, width)
		for i := range rows {
			for range natures {
				rows[i] = append(rows[i], random.NormFloat64())
			}
		}
		return rows
	}
	return world{mixture(pictureWidth), mixture(sentenceWidth)}
}

func (w world) draw(count int, seed uint64) (data Captioned) {
	random := rand.New(rand.NewPCG(seed, 2))
	show := func(mixture [][]float64, nature []float64) (row []float32) {
		for _, weights := range mixture {
			sum := random.NormFloat64() / 3
			for i, value := range nature {
				sum += weights[i] * value
			}
			row = append(row, float32(sum))
		}
		return row
	}
	for i := range count {
		var nature []float64
		for range natures {
			nature = append(nature, random.NormFloat64())
		}
		data.Pictures = append(data.Pictures, show(w.see, nature))
		for range 2 {
			data.Captions, data.Owner = append(data.Captions, show(w.say, nature)), append(data.Owner, i)
		}
	}
	return data
}

func trialHeads(seed uint64) Heads {
	return NewHeads(model.Sizes{Inputs: pictureWidth, Hidden: 24, Outputs: 8}, model.Sizes{Inputs: sentenceWidth, Hidden: 16, Outputs: 8}, seed)
}

func trial() One {
	one := DefaultOne()
	one.Rate, one.Epochs, one.Batch, one.Dropout, one.Noise, one.Average, one.Threads, one.Tags = 1e-2, 8, 32, .1, .1, .9, 1, 0
	return one
}

func silent(Epoch, Heads) error { return nil }

// firstHits is text → image R@1 in percent on things that were not learned from.
func firstHits(t *testing.T, library *runtime.Library, heads Heads, data Captioned) float64 {
	t.Helper()
	pictures, err := heads.Picture.Vectors(t.Context(), library, 1, data.Pictures)
	if err != nil {
		t.Fatal(err)
	}
	captions, err := heads.Sentence.Vectors(t.Context(), library, 1, data.Captions)
	if err != nil {
		t.Fatal(err)
	}
	found, err := evaluation.Retrieve(evaluation.Captioned{Pictures: pictures, Captions: captions, Owner: data.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return found.TextToImage.R1.Value
}

func TestEveryLossLearns(t *testing.T) {
	library := runtimetest.Load(t)
	w := newWorld()
	data, held := w.draw(400, 1), w.draw(100, 2)
	for _, name := range Losses() {
		one := trial()
		one.Loss = name
		var losses []float64
		heads, err := one.Run(t.Context(), library, trialHeads(0), data, func(e Epoch, _ Heads) error {
			losses = append(losses, e.Loss)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(losses) != one.Epochs {
			t.Errorf("%s: %d epochs", name, len(losses))
		}
		if before, after := firstHits(t, library, trialHeads(0), held), firstHits(t, library, heads, held); before > 10 || after < 40 {
			t.Errorf("%s: R@1 %v before, %v after", name, before, after)
		}
	}
}

func TestOneSeedOneResult(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(100, 1)
	data.Views = [][][]float32{newWorld().draw(100, 3).Pictures}
	f := func(seed uint64) []float32 {
		one := trial()
		one.Seed, one.Epochs = seed, 2
		heads, err := one.Run(t.Context(), library, trialHeads(seed), data, silent)
		if err != nil {
			t.Fatal(err)
		}
		return heads.numbers()
	}
	if !slices.Equal(f(1), f(1)) {
		t.Error("one seed gave two results")
	}
	if slices.Equal(f(1), f(2)) {
		t.Error("two seeds gave one result")
	}
}

// TestBatches: a caption is no negative of its own picture, each picture comes with its
// caption, and every view is seen.
func TestBatches(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(20, 1)
	data.Views = [][][]float32{newWorld().draw(20, 5).Pictures, newWorld().draw(20, 6).Pictures}
	one := trial()
	one.Batch, one.Captions = len(data.Captions), 2
	heads := trialHeads(0)
	graph, err := one.build(heads)
	if err != nil {
		t.Fatal(err)
	}
	run, err := open(library, graph, heads, one.Rates)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	l, err := optimise(run, heads, one.Rates, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	deal := newDealer(data.Owner, l.random)
	pictures := deal.next(20)
	one.batch(l, data, pictures, deal)
	forms, captions := map[int]int{}, map[int]bool{}
	for i := range one.Batch {
		place := pictures[i%20]
		if i < 20 {
			picture := run.Numbers("pictures")[i*pictureWidth : (i+1)*pictureWidth]
			forms[slices.IndexFunc(append(data.Views, data.Pictures), func(rows [][]float32) bool { return slices.Equal(rows[place], picture) })]++
		}
		got := run.Numbers("captions")[i*sentenceWidth : (i+1)*sentenceWidth]
		caption := slices.IndexFunc(data.Captions, func(row []float32) bool { return slices.Equal(row, got) })
		if captions[caption] || data.Owner[caption] != place {
			t.Errorf("pair %d of picture %d has caption %d", i, place, caption)
		}
		captions[caption] = true
		for j := range one.Batch {
			if got := run.Mask("negatives")[i*one.Batch+j]; got != (place != pictures[j%20]) {
				t.Errorf("pairs %d and %d: negatives %v", i, j, got)
			}
		}
	}
	if len(forms) != 3 || forms[-1] > 0 {
		t.Errorf("forms seen: %v", forms)
	}
	dropped := 0
	for _, kept := range run.Numbers("pictures.kept") {
		if kept == 0 {
			dropped++
		} else if kept != float32(1/.9) {
			t.Fatalf("kept %v", kept)
		}
	}
	if share := float64(dropped) / float64(24*20); share < .05 || share > .15 {
		t.Errorf("%v were dropped, want about .1", share)
	}
}

func TestWhatCannotBeLearnedIsNamed(t *testing.T) {
	f := func(want string, change func(*One, *Captioned)) {
		t.Helper()
		one, data := trial(), newWorld().draw(20, 1)
		one.Batch = 20
		change(&one, &data)
		if _, err := one.Run(t.Context(), nil, trialHeads(0), data, silent); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("there is nothing to learn from", func(_ *One, data *Captioned) { data.Captions = nil })
	f("a caption is of picture 20", func(one *One, data *Captioned) { data.Owner[3], one.Batch = 20, 4 })
	f("caption 2 has 1 values, its head takes 12", func(_ *One, data *Captioned) { data.Captions[2] = []float32{1} })
	f("a view of 1 pictures, where there are 20", func(_ *One, data *Captioned) { data.Views = [][][]float32{data.Pictures[:1]} })
	f("batch of 41 pairs cannot be drawn from 40 captions", func(one *One, _ *Captioned) { one.Batch = 41 })
	f("cannot have 1 captions of each of its pictures", func(one *One, _ *Captioned) { one.Batch = 21 })
	f("cannot have 3 captions of each", func(one *One, _ *Captioned) { one.Captions = 3 })
	f("0 epochs", func(one *One, _ *Captioned) { one.Epochs = 0 })
	f("up to, not at, 1", func(one *One, _ *Captioned) { one.Dropout = 1 })
	f("temperature is 0", func(one *One, _ *Captioned) { one.Temperature = 0 })
	f(`loss "triplet" is none of`, func(one *One, _ *Captioned) { one.Loss = "triplet" })
}

func TestARunEndsWithItsCaller(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(50, 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trial().Run(ended, library, trialHeads(0), data, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	full := errors.New("the disk is full")
	if _, err := trial().Run(t.Context(), library, trialHeads(0), data, func(Epoch, Heads) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// TestTagVectors: each is the mean of some of its picture's words, and a picture that
// has them all is no wrong answer to them.
func TestTagVectors(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(10, 1)
	for word := range 6 {
		row := make([]float32, sentenceWidth)
		row[word] = 1
		data.Words = append(data.Words, row)
	}
	for picture := range 10 {
		data.Tags = append(data.Tags, [][]int{{0, 1}, {1, 2, 5}, {0, 1, 2, 3, 4, 5}, nil}[picture%4])
	}
	one := trial()
	one.Batch, one.Tags = 10, 1
	if _, err := one.Run(t.Context(), library, trialHeads(0), data, silent); err != nil {
		t.Fatal(err)
	}
	heads := trialHeads(0)
	graph, err := one.build(heads)
	if err != nil {
		t.Fatal(err)
	}
	run, err := open(library, graph, heads, one.Rates)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	l, err := optimise(run, heads, one.Rates, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	deal := newDealer(data.Owner, l.random)
	pictures := deal.next(10)
	one.batch(l, data, pictures, deal)
	for i, picture := range pictures {
		row := run.Numbers("tags")[i*sentenceWidth : (i+1)*sentenceWidth]
		var words []int
		for word, value := range row {
			if value > 0 {
				words = append(words, word)
			}
		}
		if own := data.Tags[picture]; !holds(own, words) || len(words) > mostWords || (len(words) == 0) != (len(own) == 0) {
			t.Errorf("picture %d with words %v has %v", picture, own, words)
		}
		for j, other := range pictures {
			want := len(words) > 0 && !holds(data.Tags[other], words)
			if got := run.Mask("tags.negatives")[j*10+i]; got != want {
				t.Errorf("picture %d for words of %d: negatives %v", other, picture, got)
			}
		}
	}
	data.Tags = data.Tags[:3]
	if _, err := one.Run(t.Context(), library, trialHeads(0), data, silent); err == nil || !strings.Contains(err.Error(), "3 pictures have tags, of 10") {
		t.Errorf("error %v", err)
	}
}

func TestHardnessRises(t *testing.T) {
	for epoch, want := range []float32{0, .5, 1, 1} {
		if got := (One{Epochs: 6}).hardness(epoch); got != want {
			t.Errorf("epoch %d: %v, want %v", epoch, got, want)
		}
	}
	if (One{Epochs: 6, AtOnce: true}).hardness(0) != 1 {
		t.Error("the maximum does not count at once")
	}
}
