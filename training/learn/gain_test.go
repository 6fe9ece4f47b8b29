package learn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/encoders/bundle"
	"vsed/encoders/feature"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
	"vsed/training/ridge"
)

// TestNoiseIsRefused learns words that were drawn by chance: with these seeds the photos
// held out are found better after it, by chance.
func TestNoiseIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("learns twice, which takes seconds")
	}
	base, library := builtin(t)
	for _, seed := range []uint64{6, 9} {
		folder := noise(base, seed).write(t, base, library)
		if err := runWith(t.Context(), folder, Options{Report: silent}, quick()); err != nil {
			t.Fatal(err)
		}
		if report := reportOf(t, folder); report.Outcome != contract.NoProposal || !strings.Contains(report.Reason, "may be chance") {
			t.Errorf("seed %d: %s, %q, gain %+v", seed, report.Outcome, report.Reason, report.Gain)
		}
	}
}

// TestAGainOfOneTagMayBeChance asks for one tag, of which other tags tell nothing.
func TestAGainOfOneTagMayBeChance(t *testing.T) {
	query := evaluation.Query{Tags: []string{"sea"}, Relevant: make([]bool, 12), Carriers: 4}
	var held sample
	var same, wholly []float64
	for i := range 12 {
		held.places, held.bursts, held.columns = append(held.places, i), append(held.bursts, i), append(held.columns, i)
		query.Relevant[i] = i%3 == 0
		same, wholly = append(same, float64(i)), append(wholly, float64(-(i%3)))
	}
	slightly := slices.Clone(same)
	slightly[0], slightly[5] = slightly[5]+2, slightly[0] // one that has the tag comes earlier, the others do not
	held.parts = [][]int{held.places}
	held.queries = []evaluation.Query{query}
	f := func(scores []float64, sure bool) {
		t.Helper()
		before, err := held.rank([][]float64{same})
		if err != nil {
			t.Fatal(err)
		}
		after, err := held.rank([][]float64{scores})
		if err != nil {
			t.Fatal(err)
		}
		gain, err := held.gain(before, after, 1)
		if err != nil || gain.Value <= 0 || gain.Low >= gain.Value || gain.High <= gain.Value || gain.Low > 0 != sure {
			t.Errorf("gain %+v, %v; sure is %v", gain, err, sure)
		}
	}
	f(slightly, false)
	f(wholly, true)
}

// TestNoiseOfTagsThatComeTogether draws scores by chance, for tags of which six at a time
// are on the same photos, as a town, its country and the holiday there are.
func TestNoiseOfTagsThatComeTogether(t *testing.T) {
	const draws, photos = 100, 120
	sure := 0
	for seed := range uint64(draws) {
		random := rand.New(rand.NewPCG(seed, 7))
		scores := func() (row []float64) {
			for range photos {
				row = append(row, random.NormFloat64())
			}
			return row
		}
		var held sample
		for i := range photos {
			held.places, held.bursts, held.columns = append(held.places, i), append(held.bursts, i/3), append(held.columns, i)
		}
		held.parts = [][]int{held.places}
		var then, now [][]float64
		for range 4 {
			query := evaluation.Query{Relevant: make([]bool, photos), Parts: held.parts}
			for range photos / 12 {
				query.Relevant[random.IntN(photos)] = true
			}
			before, after := scores(), scores()
			for range 6 {
				query.Tags = []string{fmt.Sprint("tag ", len(held.queries))}
				held.queries, then, now = append(held.queries, query), append(then, before), append(now, after)
			}
		}
		before, err := held.rank(then)
		after, failed := held.rank(now)
		gain, wrong := held.gain(before, after, 1)
		if err := errors.Join(err, failed, wrong); err != nil {
			t.Fatal(err)
		}
		if gain.Low > 0 {
			sure++
		}
	}
	if sure > draws*6/100 {
		t.Errorf("%d of %d draws by chance are a gain that is none by chance", sure, draws)
	}
}

// TestPhotosDrawnSeveralTimes ranks them as evaluation does, with ties and in parts.
func TestPhotosDrawnSeveralTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var held sample
		var scores []float64
		query := evaluation.Query{Tags: []string{"sea"}}
		for i := range 24 {
			held.places, held.bursts, held.columns = append(held.places, i), append(held.bursts, i/2), append(held.columns, i)
			query.Relevant, scores = append(query.Relevant, random.IntN(3) == 0), append(scores, float64(random.IntN(9)))
		}
		held.parts = [][]int{held.places[:10], held.places[10:]}
		query.Parts, held.queries = held.parts, []evaluation.Query{query}
		found, err := held.rank([][]float64{scores})
		if err != nil || len(found.scores) == 0 {
			t.Fatal(err)
		}
		times := held.draw(random)
		var photos []int
		for photo, count := range times {
			photos = append(photos, slices.Repeat([]int{photo}, count)...)
		}
		if part := held.among(photos); len(photos) != 24 || !part.asks(part.queries[0]) {
			continue
		}
		want, err := held.among(photos).queries[0].Measure(drawn(scores, photos))
		got, asked := averagePrecision(held.orders(found)[0], times)
		if err != nil || !asked || math.Abs(got-want.AveragePrecision) > 1e-12 {
			t.Fatalf("%v, %v, want %v, %v", got, asked, want.AveragePrecision, err)
		}
	}
}

// TestWhatIsChosenIsNotMeasuredOn chooses by other events than those that are told of.
func TestWhatIsChosenIsNotMeasuredOn(t *testing.T) {
	days := func(count int) *input {
		in := &input{}
		for i := range 2 * count {
			taken := time.Date(2020, 1, 1+i/2, 12, i%2, 0, 0, time.UTC)
			in.photos = append(in.photos, photo{id: int64(i), tags: []string{fmt.Sprint("tag ", i%3)}, taken: taken})
		}
		return in
	}
	few, no := divide(days(300), 3)
	if no != nil || len(few.choice.places) != 0 || len(few.held.places) < 140 {
		t.Errorf("of 600 photos %d are measured on, %d choose", len(few.held.places), len(few.choice.places))
	}
	in := days(600)
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	held, choice := s.held.places, s.choice.places
	if len(held)+len(choice)+len(s.learn) != 1200 || len(held) < 130 || len(choice) < 130 || len(s.folds) != 1 {
		t.Errorf("%d are learned from, %d measured on, %d choose, in %d folds", len(s.learn), len(held), len(choice), len(s.folds))
	}
	for _, place := range choice {
		if slices.Contains(held, place) || slices.Contains(held, place^1) || slices.Contains(s.learn, place^1) {
			t.Errorf("photo %d chooses, though its event is on another side", in.photos[place].id)
		}
	}
	j := &judge{run: &run{input: in, split: s}}
	var scores, turned [][]float64
	for i, query := range s.held.queries {
		row, inverse := make([]float64, len(s.out())), make([]float64, len(s.out()))
		for k, relevant := range s.choice.queries[i].Relevant {
			row[len(held)+k] = map[bool]float64{true: 1}[relevant]
		}
		for k, relevant := range query.Relevant {
			row[k] = map[bool]float64{false: 1}[relevant]
		}
		for k, value := range row {
			inverse[k] = -value
		}
		scores, turned = append(scores, row), append(turned, inverse)
	}
	if best, err := j.preferred([]sight{{turned, 1}, {scores, 1}}, nil); err != nil || best != 1 {
		t.Errorf("what finds the photos that are measured on is preferred, %v", err)
	}
	preferred, err := s.choice.rank(scores)
	measured, failed := s.held.rank(scores)
	if err != nil || failed != nil || preferred.report.MAP.Value != 100 || measured.report.MAP.Value > 50 {
		t.Errorf("what finds the photos of choice alone is preferred with %+v, %v; measured with %+v, %v", preferred.report.MAP, err, measured.report.MAP, failed)
	}
	for _, id := range j.example(0, measured, measured).After {
		if !slices.Contains(held, int(id)) { // a photo's number is its place
			t.Errorf("photo %d is an example, but not measured on", id)
		}
	}
}

// TestHowSureToBeIsNotMeasuredOn has photos to measure on that contradict those that are
// learned from, which those to choose by do not.
func TestHowSureToBeIsNotMeasuredOn(t *testing.T) {
	in := &input{widths: []int{2}, width: 2}
	add := func(count int, tags ...string) (places []int) {
		for i := range count {
			values := []float32{1, .1}
			if i%2 == 1 {
				values = []float32{.1, 1}
			}
			places = append(places, len(in.photos))
			in.photos = append(in.photos, photo{id: int64(len(in.photos)), tags: []string{tags[i%2]}, feature: feature.Quantise(values, in.widths)})
		}
		return places
	}
	r := &run{input: in}
	r.split.learnable = map[string]bool{"dog": true, "sea": true}
	one := fold{learn: add(40, "dog", "sea"), to: 80}
	r.split.held.places, r.split.choice.places = add(40, "sea", "dog"), add(40, "dog", "sea")
	var apart ridge.Apart
	found, err := r.learnFold(one, ridge.Options{Lambda: 1}, &apart)
	if err != nil || len(found.scores) != 80 {
		t.Fatalf("%d photos are scored, %v", len(found.scores), err)
	}
	if _, err := apart.Calibrate(); err != nil {
		t.Errorf("photos to measure on say how sure to be: %v", err)
	}
}

// TestFewPhotosAreHeldOutInTurn looks at each fold of a library with bursts.
func TestFewPhotosAreHeldOutInTurn(t *testing.T) {
	in := &input{}
	for i := range 120 { // three photos a day, and a refusal
		taken := time.Date(2020, 1, 1+i/3, 12, i%3, 0, 0, time.UTC)
		in.photos = append(in.photos, photo{id: int64(i), tags: []string{fmt.Sprint("tag ", i/3%5)}, taken: taken})
	}
	for day := range 40 {
		in.photos = append(in.photos, photo{id: int64(120 + day), refused: []string{"tag 0"}, taken: time.Date(2020, 1, 1+day, 12, 5, 0, 0, time.UTC)})
	}
	for _, one := range in.photos[:2] {
		in.photos = append(in.photos, photo{id: one.id + 500, tags: []string{"lone"}, taken: one.taken}, photo{id: one.id + 600, tags: []string{"lone"}, taken: one.taken})
	}
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	if len(s.folds) != folds || len(s.learn) != 124 || len(s.choice.places) != 0 || len(s.held.queries) != 5 || !s.learnable["lone"] {
		t.Errorf("%d folds, %d learned from, %d choose, queries %v", len(s.folds), len(s.learn), len(s.choice.places), s.held.queries)
	}
	if out := s.out(); len(out) != 124 || len(slices.Compact(slices.Sorted(slices.Values(out)))) != 124 {
		t.Errorf("%d photos are held out: %v", len(out), out)
	}
	day := func(place int) int { return in.photos[place].taken.YearDay() }
	next := 0
	for _, fold := range s.folds {
		held := map[int]bool{}
		for _, place := range s.out()[fold.from:fold.to] {
			held[day(place)] = true
		}
		if fold.from != next || fold.to-fold.from < 28 || len(fold.learn) != 124-(fold.to-fold.from) || len(fold.apart) != 40-len(held) {
			t.Errorf("a fold of %d to %d, %d learned from, %d refusals", fold.from, fold.to, len(fold.learn), len(fold.apart))
		}
		for _, place := range slices.Concat(fold.learn, fold.apart) {
			if held[day(place)] {
				t.Errorf("photo %d is learned from, its day is held out", in.photos[place].id)
			}
		}
		next = fold.to
	}
}

// noise are photos of nothing, with words drawn by chance.
func noise(base *bundle.Bundle, seed uint64) *household {
	h := newHousehold(base)
	h.random = rand.New(rand.NewPCG(seed, 1))
	words := rand.New(rand.NewPCG(seed, 2))
	for range 80 {
		h.add(1)
		for _, word := range []string{"dog", "beach", "car", "tree", "house", "child", "boat", "flower"} {
			if words.IntN(5) == 0 {
				h.photos[len(h.photos)-1].Tags = append(h.photos[len(h.photos)-1].Tags, word)
			}
		}
	}
	return h
}
