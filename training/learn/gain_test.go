package learn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/encoders/bundle"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
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
	r := &run{input: &input{}}
	query := evaluation.Query{Tags: []string{"sea"}, Relevant: make([]bool, 12), Carriers: 4}
	var same, wholly []float64
	for i := range 12 {
		r.split.held, r.split.bursts = append(r.split.held, i), append(r.split.bursts, i)
		query.Relevant[i] = i%3 == 0
		same, wholly = append(same, float64(i)), append(wholly, float64(-(i%3)))
	}
	slightly := slices.Clone(same)
	slightly[0], slightly[5] = slightly[5]+2, slightly[0] // one that has the tag comes earlier, the others do not
	r.split.queries = []evaluation.Query{query}
	j := &judge{run: r}
	f := func(scores []float64, sure bool) {
		t.Helper()
		before, err := j.rank([][]float64{same})
		if err != nil {
			t.Fatal(err)
		}
		after, err := j.rank([][]float64{scores})
		if err != nil {
			t.Fatal(err)
		}
		gain, err := j.gain(before, after)
		if err != nil || gain.Value <= 0 || gain.Low >= gain.Value || gain.High <= gain.Value || gain.Low > 0 != sure {
			t.Errorf("gain %+v, %v; sure is %v", gain, err, sure)
		}
	}
	f(slightly, false)
	f(wholly, true)
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
	if no != nil || len(few.choice) != 0 || len(few.held) < 140 {
		t.Errorf("of 600 photos %d are measured on, %d choose", len(few.held), len(few.choice))
	}
	in := days(600)
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	if len(s.held)+len(s.choice)+len(s.learn) != 1200 || len(s.held) < 130 || len(s.choice) < 130 {
		t.Errorf("%d are learned from, %d measured on, %d choose", len(s.learn), len(s.held), len(s.choice))
	}
	for _, place := range s.choice {
		if slices.Contains(s.held, place) || slices.Contains(s.held, place^1) || slices.Contains(s.learn, place^1) {
			t.Errorf("photo %d chooses, though its event is on another side", in.photos[place].id)
		}
	}
	j := &judge{run: &run{input: in, split: s}}
	var scores [][]float64
	for i, query := range s.queries {
		row := make([]float64, len(s.out()))
		for k, relevant := range s.choices[i].Relevant {
			row[len(s.held)+k] = map[bool]float64{true: 1}[relevant]
		}
		for k, relevant := range query.Relevant {
			row[k] = map[bool]float64{false: 1}[relevant]
		}
		scores = append(scores, row)
	}
	preferred, err := j.prefer(scores)
	measured, failed := j.rank(scores)
	if err != nil || failed != nil || preferred != 100 || measured.report.MAP.Value > 50 {
		t.Errorf("what finds the photos of choice alone is preferred with %v, %v; measured with %+v, %v", preferred, err, measured.report.MAP, failed)
	}
	for _, id := range j.example(0, measured, measured).After {
		if !slices.Contains(s.held, int(id)) { // a photo's number is its place
			t.Errorf("photo %d is an example, but not measured on", id)
		}
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
