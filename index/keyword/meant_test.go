package keyword_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"vsed/index/keyword"
)

func TestEveryField(t *testing.T) {
	x := open(t, t.TempDir())
	apply(t, x, 1,
		keyword.Document{ID: 1, Folders: []string{"harbour"}}, keyword.Document{ID: 2, Cameras: []string{"Harbour 3000"}}, keyword.Document{ID: 3, Places: []string{"Harbour"}},
		keyword.Document{ID: 4, Description: "at the harbour"}, keyword.Document{ID: 5, Title: "Harbours"}, keyword.Document{ID: 6, Tags: []string{"old harbour"}})
	got := find(t, x, "harbour")
	slices.Sort(got)
	if !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("got %v", got)
	}
}

func TestOneSlipIsForgiven(t *testing.T) {
	x := open(t, t.TempDir())
	apply(t, x, 1,
		keyword.Document{ID: 1, Tags: []string{"mountain"}}, keyword.Document{ID: 2, Tags: []string{"boat"}}, keyword.Document{ID: 3, Tags: []string{"12345"}},
		keyword.Document{ID: 4, Tags: []string{"peach"}}, keyword.Document{ID: 5, Tags: []string{"beach"}}, keyword.Document{ID: 6, Places: []string{"München"}})
	f := func(text string, want ...int64) {
		t.Helper()
		if got := find(t, x, text); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	f("mountan", 1)
	f("muntains", 1)
	f("mountaiin", 1)
	f("mxuntaxn")
	f("boet")        // four letters
	f("12344")       // a number is no word
	f("beach", 5)    // known, so not misspelt
	f("reach", 4, 5) // what it can be
	f("munchin", 6)  // accents are no slips
	f("mountan boat", 2, 1)
}

func TestTypeAhead(t *testing.T) {
	x := open(t, t.TempDir())
	var photos []keyword.Document
	for id := range int64(100) {
		photos = append(photos, keyword.Document{ID: id, Tags: []string{"bx" + string([]byte{byte('a' + id/10), byte('a' + id%10)})}})
	}
	apply(t, x, 1, append(photos, keyword.Document{ID: 101, Tags: []string{"beaches"}}, keyword.Document{ID: 102, Tags: []string{"bear"}}, keyword.Document{ID: 103, Tags: []string{"theatre"}})...)
	f := func(text string, want ...int64) {
		t.Helper()
		got := find(t, x, text, keyword.Typing())
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	f("bea", 101, 102)
	f("Bea", 101, 102)
	f("beach", 101)
	f("beache", 101)
	f("bea ")
	f("bea bxh", 70, 71, 72, 73, 74, 75, 76, 77, 78, 79)
	f("the", 103) // a stop word that may go on
	f("b")
	f("")
	if got := find(t, x, "bea"); len(got) != 0 {
		t.Errorf("without Typing: got %v", got)
	}
	if got := find(t, x, "bx", keyword.Typing()); len(got) == 0 || len(got) > 16 {
		t.Errorf("a beginning of many words finds %d photos", len(got))
	}
}

func TestAmong(t *testing.T) {
	x := open(t, t.TempDir())
	for id := range int64(300) {
		apply(t, x, id, keyword.Document{ID: id, Tags: []string{"cat", strings.Repeat("dog ", int(id%3))}})
	}
	var asked []int64
	hits, err := x.Search(context.Background(), "cat dog", 5, keyword.Among(func(id int64) bool { asked = append(asked, id); return id%50 == 7 }))
	if err != nil || len(hits) != 5 || len(asked) > 300 {
		t.Fatalf("got %v, %v, asked about %d", hits, err, len(asked))
	}
	for _, hit := range hits {
		if hit.ID%50 != 7 {
			t.Errorf("%d was refused", hit.ID)
		}
	}
	if hits, err := x.Search(context.Background(), "cat", 5, keyword.Among(func(int64) bool { return false })); err != nil || len(hits) != 0 {
		t.Errorf("none: got %v, %v", hits, err)
	}
}

func TestLanguage(t *testing.T) {
	folder := t.TempDir()
	x := open(t, folder, keyword.Language("de"))
	apply(t, x, 1, keyword.Document{ID: 1, Tags: []string{"Kirchen und Katzen"}})
	if got := find(t, x, "kirche katze"); !slices.Equal(got, []int64{1}) {
		t.Errorf("German: got %v", got)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	y := open(t, folder)
	if change, err := y.Change(); change != 0 || err != nil || y.Rebuilt() == nil {
		t.Errorf("in another language: change %d, %v, rebuilt %v", change, err, y.Rebuilt())
	}
	for _, language := range keyword.Languages() {
		apply(t, open(t, t.TempDir(), keyword.Language(language)), 1, keyword.Document{ID: 1, Tags: []string{"l'eau"}})
	}
	if _, err := keyword.Open(t.TempDir(), keyword.Language("tlh")); err == nil || !strings.Contains(err.Error(), "en, es") {
		t.Errorf("an unknown language: %v", err)
	}
}
