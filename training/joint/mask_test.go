package joint

import (
	"math"
	"slices"
	"testing"

	"vsed/encoders/runtime/runtimetest"
	"vsed/training/words"
)

func newTrialLearner(t *testing.T, s Settings) *learner {
	t.Helper()
	l, err := newLearner(runtimetest.Load(t), newModel(1), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.step.Close() })
	return l
}

// TestOnesOwnAreNoWrongAnswers: captions of one photo, photos that share tags, and
// photos of which no tag is known.
func TestOnesOwnAreNoWrongAnswers(t *testing.T) {
	data := draws(4, 2, 1)
	data.Tags = [][]int{{0, 1}, {1, 2}, {0, 1, 3}, nil}
	f := func(sharing string, want []bool) {
		t.Helper()
		s := trial("vse")
		s.Captioned, s.Tagged, s.MostTags, s.Sharing = 4, 4, 0, sharing
		l := newTrialLearner(t, s)
		l.fill(data, []int{0, 1, 2, 4}, data, []int{0, 1, 2, 3})
		if got := l.step.Mask("web.negatives"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", sharing, got, want)
		}
		captions := []bool{
			false, false, true, true,
			false, false, true, true,
			true, true, false, true,
			true, true, true, false,
		}
		if got := l.step.Mask("captions.negatives"); !slices.Equal(got, captions) {
			t.Errorf("captions: %v", got)
		}
	}
	// A row is a picture, a column the tags of one.
	f("any", []bool{
		false, false, false, false,
		false, false, false, false,
		false, false, false, false,
		false, false, false, false,
	})
	f("all", []bool{
		false, true, true, false,
		true, false, true, false,
		false, true, false, false,
		false, false, false, false,
	})
}

// TestPaddingChangesNothing: a sentence's vector is the same in a graph of more steps,
// and whatever longer sentences stand beside it.
func TestPaddingChangesNothing(t *testing.T) {
	library, model := runtimetest.Load(t), newModel(1)
	sentence := []int32{words.Begin, firstThing, firstThing + 1, words.End}
	read := func(length int, sentences ...[]int32) []float32 {
		t.Helper()
		vectors, err := Reader{library, 1, length}.Sentences(t.Context(), model, sentences)
		if err != nil {
			t.Fatal(err)
		}
		return vectors[0]
	}
	alone := read(4, sentence)
	for _, other := range [][]float32{read(9, sentence), read(9, sentence, slices.Repeat([]int32{firstThing + 2}, 9))} {
		for i, value := range other {
			if math.Abs(float64(value-alone[i])) > 1e-6 {
				t.Fatalf("%v beside %v", other, alone)
			}
		}
	}
	long := read(4, []int32{words.Begin, firstThing, firstThing + 1, firstThing + 2, firstThing + 3, words.End})
	if cut := read(4, sentence); !slices.Equal(long, cut) {
		t.Errorf("a sentence that is too long has %v, cut %v", long, cut)
	}
}

// TestGradientsReachTheWords compares what the step collects for a word with the
// difference that a change of it makes to the loss: it stands in captions and in tags,
// more than once.
func TestGradientsReachTheWords(t *testing.T) {
	s := trial("contrastive") // smooth
	s.Captioned, s.Tagged, s.Noise, s.Unknown, s.MostTags = 6, 4, 0, 0, 0
	l := newTrialLearner(t, s)
	captioned, tagged := draws(6, 1, 1), draws(4, 0, 2)
	tagged.TagWords = slices.Clone(tagged.TagWords)
	for i := range tagged.TagWords { // tags of two words
		tagged.TagWords[i] = append(slices.Clone(tagged.TagWords[i]), firstThing)
	}
	loss := func() float64 {
		t.Helper()
		l.fill(captioned, all(6), tagged, all(4))
		value, err := l.step.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	loss()
	l.collectWords()
	rows, gradient := slices.Clone(l.table.Rows), slices.Clone(l.table.Gradient)
	for _, word := range []int32{firstThing, words.Begin, int32(firstThing + captioned.Tags[0][0])} {
		at, width := slices.Index(rows, word), l.model.Word
		if at < 0 {
			t.Fatalf("word %d has no gradient", word)
		}
		for j := range width {
			const change = 2e-3
			value := &l.model.Words[int(word)*width+j]
			was := *value
			*value = was + change
			up := loss()
			*value = was - change
			down := loss()
			*value = was
			if want, got := (up-down)/(2*change), float64(gradient[at*width+j]); math.Abs(want-got) > 5e-3*max(1, math.Abs(want)) {
				t.Errorf("word %d, value %d: gradient %v, difference %v", word, j, got, want)
			}
		}
	}
}

func TestCurriculumBeginsWithFrequentTags(t *testing.T) {
	captioned := Data{Tags: [][]int{{0}, {0, 1}, {0, 1, 2}}, TagWords: make([][]int32, 4)}
	tagged := Data{Tags: [][]int{{3}, {2}, {0, 1}, nil, {0}, {0, 3}, {1, 2}}, TagWords: captioned.TagWords}
	if got, want := Curriculum(captioned, tagged), []int{4, 2, 5, 6, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	s := Settings{Epochs: 10, Tagged: 20, Curriculum: .5}
	var open []int
	for epoch := range s.Epochs {
		open = append(open, s.open(100, epoch))
	}
	if want := []int{25, 40, 55, 70, 85, 100, 100, 100, 100, 100}; !slices.Equal(open, want) {
		t.Errorf("open %v, want %v", open, want)
	}
	s.Curriculum = 0
	if s.open(100, 0) != 100 || (Settings{Epochs: 10, Tagged: 60, Curriculum: 1}).open(100, 0) != 60 {
		t.Error("a batch, or all, must be open")
	}
}

func TestEpochsHaveSteps(t *testing.T) {
	captioned, tagged := draws(50, 2, 1), draws(70, 0, 2)
	tagged.Tags[3] = nil
	f := func(s Settings, want int) {
		t.Helper()
		if got := s.Steps(captioned, tagged); got != want {
			t.Errorf("%d steps, want %d", got, want)
		}
	}
	f(Settings{Captioned: 32}, 3)             // what is left over waits for the next drawing
	f(Settings{Captioned: 32, Tagged: 32}, 3) // all tagged ones
	f(Settings{Captioned: 32, Tagged: 32, PerEpoch: 7}, 7)
}

func TestHardnessRises(t *testing.T) {
	s := Settings{WarmUp: 4}
	for epoch, want := range []float32{0, .25, .5, .75, 1, 1} {
		if got := s.hardness(epoch); got != want {
			t.Errorf("epoch %d: %v", epoch, got)
		}
	}
	if (Settings{}).hardness(0) != 1 {
		t.Error("without a warm-up the maximum counts at once")
	}
}

// TestLossIsThatOfTheVectors compares a step's loss with one worked out by hand from the
// vectors that a Reader gives: each term has its own pictures, texts and weight.
func TestLossIsThatOfTheVectors(t *testing.T) {
	s := trial("vse")
	s.Captioned, s.Tagged, s.Noise, s.Unknown, s.MostTags = 6, 4, 0, 0, 0
	s.Captions, s.Tags, s.Web = 1, .5, .25
	l := newTrialLearner(t, s)
	captioned, tagged := draws(6, 1, 1), draws(4, 0, 2)
	l.fill(captioned, all(6), tagged, all(4))
	got, err := l.step.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader := Reader{runtimetest.Load(t), 1, length}
	vectors := func(rows [][]float32, err error) [][]float32 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	tagWords := func(data Data) (lists [][]int32) {
		for _, tags := range data.Tags {
			var list []int32
			for _, tag := range tags {
				list = append(list, data.TagWords[tag]...)
			}
			lists = append(lists, list)
		}
		return lists
	}
	pictures, others := vectors(reader.Pictures(t.Context(), l.model, captioned.Pictures)), vectors(reader.Pictures(t.Context(), l.model, tagged.Pictures))
	want := hinges(pictures, vectors(reader.Sentences(t.Context(), l.model, captioned.Captions)), l.step.Mask("captions.negatives")) +
		.5*hinges(pictures, vectors(reader.Tags(t.Context(), l.model, tagWords(captioned))), l.step.Mask("tags.negatives")) +
		.25*hinges(others, vectors(reader.Tags(t.Context(), l.model, tagWords(tagged))), l.step.Mask("web.negatives"))
	if math.Abs(got-want) > 1e-4*want {
		t.Errorf("loss %v, by hand %v", got, want)
	}
}

// hinges is VSE's loss with a margin of 0.2, by hand.
func hinges(pictures, texts [][]float32, negatives []bool) (sum float64) {
	score := func(i, j int) (sum float64) {
		for k, value := range pictures[i] {
			sum += float64(value) * float64(texts[j][k])
		}
		return sum
	}
	for i := range pictures {
		for j := range texts {
			if negatives[i*len(texts)+j] {
				sum += max(0, .2+score(i, j)-score(i, i)) + max(0, .2+score(i, j)-score(j, j))
			}
		}
	}
	return sum
}
