package catalogue

import (
	"slices"
	"testing"
)

func TestTheUsersWordIsBothSides(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a.jpg", "b.jpg", "c.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog", "cat"}))
	check(t, c.RemoveTags(t.Context(), photos[0], []string{"dog", "never there"}))
	check(t, c.AddTags(t.Context(), photos[2], []string{"bird"}))
	check(t, c.RemoveTags(t.Context(), photos[2], []string{"bird"}))
	word := must[Word](t)(c.UserWord(t.Context(), photos[0]))
	if !slices.Equal(word.Tags, []string{"cat"}) || !slices.Equal(word.Removed, []string{"dog"}) {
		t.Errorf("word %+v", word)
	}
	if word := must[Word](t)(c.UserWord(t.Context(), photos[1])); word.Tags != nil || word.Removed != nil {
		t.Errorf("of an untouched photo: %+v", word)
	}
	f := func(after int64, limit int, want ...int64) {
		t.Helper()
		if got := must[[]int64](t)(c.PhotosWithWord(t.Context(), after, limit)); !slices.Equal(got, want) {
			t.Errorf("after %d, %d: got %v, want %v", after, limit, got, want)
		}
	}
	f(0, 10, photos[0], photos[2])
	f(0, 1, photos[0])
	f(photos[0], 10, photos[2])
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	if word := must[Word](t)(c.UserWord(t.Context(), photos[0])); len(word.Removed) > 0 {
		t.Errorf("put on again: %+v", word)
	}
}
