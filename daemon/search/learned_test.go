package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/daemon/query"
	"vsed/index/fusion"
)

// learn has a space serve whose encoder has learned tags; of each photo, by its
// degrees, it tells how sure it is of each.
func (w *world) learn(tags []string, sure map[int][]float64) {
	w.Helper()
	w.serve("learned")
	space := w.catalogue.Serving()
	w.check(space.Describe(w.Context(), catalogue.Description{LearnedTags: tags}))
	for degrees, photo := range w.photos {
		embedding := catalogue.Embedding{Vector: at(float64(degrees))}
		for tag, confidence := range sure[degrees] {
			embedding.Tags = append(embedding.Tags, catalogue.Confidence{Tag: uint32(tag), Value: confidence})
		}
		w.check(space.Store(w.Context(), map[int64]catalogue.Embedding{photo: embedding}))
	}
	w.caughtUp()
}

func TestLearnedTagsFindPhotos(t *testing.T) {
	w := newWorld(t, 0, 20, 40, 60, 80)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[80], []string{"beach"}))
	w.caughtUp()
	before, space := w.engine.serving, w.catalogue.Serving()
	answer := w.search("0 degrees beaches", 10, "")
	w.learn([]string{"Beach", "New York", "the"}, map[int][]float64{20: {0.4, 0.9}, 60: {0.9}, 80: {0.99}})
	f := func(query string, want ...int) Result {
		t.Helper()
		result := w.search(query, 10, "")
		if got := w.degrees(result); !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s finds %v, want %v first", query, got, want)
		}
		return result
	}
	f("beach", 80) // what was said comes before all that was learned
	f("40 degrees beaches", 80, 60, 20, 40)
	f("40 degrees beach -tag:beach", 60, 20, 40)
	f("york new", 0) // not in this order
	if result := f("new york", 20); !result.GoodMatch {
		t.Error("what probably has the tag is no good match")
	}
	if result := w.search("tag:beach", 10, ""); !slices.Equal(w.degrees(result), []int{80}) {
		t.Errorf("the filter finds %v: it is about what was said", w.degrees(result))
	}
	w.check(w.catalogue.RefuseTags(t.Context(), w.photos[60], []string{"Beach"}))
	f("40 degrees beach", 80, 20, 40)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[20], []string{"New York"}))
	w.check(w.catalogue.RemoveTags(t.Context(), w.photos[20], []string{"New York"}))
	w.caughtUp()
	f("new york", 0) // taken off by hand

	// Rolled back, nothing of it is left.
	w.check(w.catalogue.Serve(t.Context(), space))
	w.engine.Serve(before)
	w.caughtUp()
	if again := w.search("0 degrees beaches", 10, ""); fmt.Sprint(scores(again)) != fmt.Sprint(scores(answer)) {
		t.Errorf("rolled back it finds %v, before %v", scores(again), scores(answer))
	}
}

func scores(result Result) (list []string) {
	for _, hit := range result.Hits {
		list = append(list, fmt.Sprintf("%d %v", hit.Photo.ID, hit.Score))
	}
	return list
}

func TestWhatWasLearnedOfPhotosThatAreGone(t *testing.T) {
	w := newWorld(t, 0, 20, 60)
	w.learn([]string{"beach"}, map[int][]float64{20: {0.3}, 60: {0.9}})
	const query = "180 degrees beach" // nothing looks like that
	if result := w.search(query, 10, ""); !result.GoodMatch {
		t.Fatalf("finds %v, and no good match", w.degrees(result))
	}
	w.check(w.catalogue.Vanished(t.Context(), w.folder.ID, []string{"p.jpg"}))
	w.caughtUp()
	if result := w.search(query, 10, ""); result.GoodMatch || !slices.Equal(w.degrees(result), []int{20, 0}) {
		t.Errorf("finds %v, good %v, though what probably has the tag is gone", w.degrees(result), result.GoodMatch)
	}
}

func TestLearnedOfThosePhotosThatPassAFilter(t *testing.T) {
	var degrees []int
	sure := map[int][]float64{}
	const photos = 300 // nearly all of which are more than those asked for one by one
	for i := range photos {
		degrees, sure[4*i] = append(degrees, 4*i), []float64{0.9 - 0.02*float64(i%7)}
	}
	w := newWorld(t, degrees...)
	w.learn([]string{"beach"}, sure)
	w.check(w.catalogue.AddTags(t.Context(), w.photos[0], []string{"beach"}))
	w.caughtUp()
	ranker := &ranker{Engine: w.engine, serving: w.engine.serving}
	f := func(filter query.Expression) {
		t.Helper()
		passing, err := w.engine.attributes.Select(t.Context(), filter)
		w.check(err)
		want := 0 // who said it is not listed
		for photo := range passing.All {
			if photo != w.photos[0] {
				want++
			}
		}
		one := prepared{Alternative: query.Alternative{Text: "beach", Filter: filter}, passing: passing}
		list, err := ranker.learned(t.Context(), one)
		w.check(err)
		keep := func(photo int64) bool { return photo != w.photos[0] && passing.Has(photo) }
		all, err := w.catalogue.Serving().Likeliest(t.Context(), "beach", candidates, keep)
		w.check(err)
		got, err := ranker.likeliest(t.Context(), "beach", one, keep)
		if w.check(err); len(list.tags[0].likely) != want || !slices.Equal(got, all) {
			t.Errorf("%d photos, want %d, or not those that are likeliest", len(list.tags[0].likely), want)
		}
	}
	f(query.Match{Field: query.Name, Pattern: "c.jpg"})
	f(query.Match{Field: query.Name, Pattern: "*.jpg"})
	f(query.Not{Of: query.Match{Field: query.Name, Pattern: "c.jpg"}})
	f(query.Match{Field: query.Name, Pattern: "none"})
}

// A tag that was learned is no pattern.
func TestALearnedTagWithAStar(t *testing.T) {
	w := newWorld(t, 0, 20, 60)
	w.learn([]string{"star*"}, map[int][]float64{20: {0.7}, 60: {0.9}})
	w.check(w.catalogue.AddTags(t.Context(), w.photos[0], []string{"starfish"}))
	w.check(w.catalogue.AddTags(t.Context(), w.photos[20], []string{"STAR*"}))
	w.caughtUp()
	ranker := &ranker{Engine: w.engine, serving: w.engine.serving}
	list, err := ranker.learned(t.Context(), prepared{Alternative: query.Alternative{Text: "star"}})
	w.check(err)
	if said := list.tags[0].said; said(w.photos[0]) || !said(w.photos[20]) || len(list.tags[0].likely) != 1 {
		t.Errorf("said of what has another tag: %v, of what has it: %v; likely %v", said(w.photos[0]), said(w.photos[20]), list.tags[0].likely)
	}
}

func TestRefusedInAnotherSpellingIsNotFound(t *testing.T) {
	w := newWorld(t, 0, 20, 60)
	w.learn([]string{"Beach", "beach"}, map[int][]float64{60: {0.9, 0.9}})
	w.check(w.catalogue.RefuseTags(t.Context(), w.photos[60], []string{"beach"}))
	w.caughtUp()
	if result := w.search("0 degrees beach", 10, ""); !slices.Equal(w.degrees(result), []int{0, 20, 60}) {
		t.Errorf("finds %v, with what was refused before others", w.degrees(result))
	}
}

func TestEvidence(t *testing.T) {
	f := func(confidence, want float64) {
		t.Helper()
		if got := fusion.Evidence(confidence); math.Abs(got-want) > 0.01 {
			t.Errorf("evidence of %v: %.3f, want %v", confidence, got, want)
		}
	}
	f(0, 0)
	f(0.01, 0.15)
	f(0.1, 0.52)
	f(0.5, 0.85)
	f(1, 1)
}

func TestReasonsTellWhatWasLearned(t *testing.T) {
	w := newWorld(t, 0, 60)
	w.learn([]string{"beach"}, map[int][]float64{0: {0.837}, 60: {0.3}})
	w.check(w.catalogue.AddTags(t.Context(), w.photos[60], []string{"beach"}))
	w.caughtUp()
	got, _ := w.explained("beach")
	if want := "[beach=learned:beach (84 %)]"; !strings.Contains(got, want) || strings.Count(got, "learned") != 1 {
		t.Errorf("explained as %s, want %s once", got, want)
	}
}

// What looks right and has the tag must not stand behind what only has it, however
// many have it.
func TestALearnedTagOfMorePhotosThanAreListed(t *testing.T) {
	list := &learnedList{words: 2, tags: []spokenList{{spoken: spoken{"beach", 0, 1}, cut: true, said: func(int64) bool { return false }, likely: map[int64]float64{}}}}
	w := newWorld(t, 0)
	w.learn([]string{"beach"}, map[int][]float64{0: {0.5}})
	near, err := w.engine.serving.Index.search(t.Context(), at(0), nil, nil)
	w.check(err)
	w.check(list.complete(t.Context(), w.catalogue.Serving(), near.Hits))
	if hits := list.hits(); len(hits) != 1 || hits[0].Score != fusion.Evidence(0.5)/2 {
		t.Errorf("hits %v, want the one photo with half of its evidence", hits)
	}
}
