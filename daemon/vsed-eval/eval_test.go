package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/search"
	"vsed/index"
	"vsed/index/fusion"
)

// The sentences that calibrate may not be those that are measured with.
func TestTheBackgroundIsNotWhatIsMeasured(t *testing.T) {
	sentences := strings.Split(strings.TrimSpace(absent), "\n")
	for i, sentence := range sentences {
		if slices.Contains(search.Background(), sentence) {
			t.Errorf("%q calibrates", sentence)
		}
		if slices.Contains(sentences[:i], sentence) || sentence != strings.TrimSpace(sentence) || sentence == "" {
			t.Errorf("%q stands twice or is blank", sentence)
		}
	}
}

func TestQueriesAreTagsOfThreePhotos(t *testing.T) {
	var g tagged
	for i, tags := range [][]string{{"sky", "sea"}, {"sea", "sky"}, {"sky", "sea", "sea"}, {"sky"}} {
		g.photos, g.tags = append(g.photos, photo{id: int64(i)}), append(g.tags, tags)
	}
	var texts []string
	for _, one := range append(g.singles(), g.pairs()...) {
		texts = append(texts, one.text)
	}
	if got := strings.Join(texts, ", "); got != "sea, sky, sea sky" {
		t.Errorf("asked are %s", got)
	}
	if got := g.singles()[1].relevant; len(got) != 4 {
		t.Errorf("sky is in %v", got)
	}
}

func TestRankOfAPartPassesOverTheRest(t *testing.T) {
	q := query{relevant: map[int64]bool{2: true, 5: true}}
	hits := []index.Hit{{ID: 1}, {ID: 2}, {ID: 3}, {ID: 4}}
	r, err := rank(hits, q, 10, func(id int64) bool { return id != 1 })
	if err != nil || r.Rank() != 0 || r.AveragePrecision() != 0.5 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReciprocalRanks(t *testing.T) {
	got := reciprocal(fusion.Lists{
		Whole: []index.Hit{{ID: 3}}, Words: []index.Hit{{ID: 2}, {ID: 3}}, Vectors: []index.Hit{{ID: 1}, {ID: 2}},
	})
	// A list's first place counts 1/61, its second 1/62; what is whole counts 1 more.
	if len(got) != 3 || got[0].ID != 3 || got[1].ID != 2 || math.Abs(got[1].Score-1./61-1./62) > 1e-12 || got[2].ID != 1 {
		t.Errorf("got %v", got)
	}
}

func TestWhatAFilterLetsThroughIsJudged(t *testing.T) {
	c := corel{
		tagged: tagged{photos: make([]photo, 5)}, known: map[int64]bool{1: true, 2: true},
		carriers: map[string]map[int64]bool{"sky": {1: true, 2: true, 3: true}, "sea": {2: true, 3: true}},
	}
	f := func(asked phrase, precision, unwanted float64, wrong bool, ids ...int64) {
		t.Helper()
		r, share, err := c.judge(asked, []string{"sky", "sea"}, ids)
		if wrong {
			if err == nil {
				t.Errorf("%s: %v pass", asked.name, ids)
			}
			return
		}
		if err != nil || r.AveragePrecision() != precision || math.Abs(share-unwanted) > 1e-9 {
			t.Errorf("%s: precision %v, unwanted %v, %v", asked.name, r.AveragePrecision(), share, err)
		}
	}
	f(phrases[0], 0.5, 0.2, false, 2, 1, 3)
	f(phrases[2], 0.5, 0.1, false, 3, 1)
	f(phrases[2], 0, 0, true, 1, 2)
	f(phrases[3], 1, 0.2, false, 3, 2, 1)
	f(phrases[4], 0.5, 0.1, false, 2)
	f(phrases[4], 0, 0, true, 2, 3)
}
