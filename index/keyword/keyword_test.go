package keyword_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/index"
	"vsed/index/keyword"
)

// TestMain leaves out the goroutines that importing bleve starts.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

func open(t testing.TB, dir string, options ...keyword.Option) *keyword.Index {
	t.Helper()
	x, err := keyword.Open(dir, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func apply(t testing.TB, x *keyword.Index, change int64, put ...keyword.Document) {
	t.Helper()
	if err := x.Apply(put, nil, change); err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB, x *keyword.Index, text string, options ...keyword.SearchOption) []int64 {
	t.Helper()
	hits, err := x.Search(context.Background(), text, 100, options...)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	if !slices.IsSortedFunc(hits, index.Compare) {
		t.Errorf("%.60q: hits out of order: %v", text, hits)
	}
	ids := []int64{}
	for _, hit := range hits {
		ids = append(ids, hit.ID)
	}
	return ids
}

func load(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestSearches(t *testing.T) {
	var photos []keyword.Document
	var searches []struct {
		Comment, Query string
		Want, First    []int64
		Count          int
		AnyOrder       bool
	}
	load(t, "photos.json", &photos)
	load(t, "searches.json", &searches)
	x := open(t, t.TempDir())
	apply(t, x, 1, photos...)
	for _, search := range searches {
		got := find(t, x, search.Query)
		if search.AnyOrder {
			slices.Sort(got)
			slices.Sort(search.Want)
		}
		if search.First == nil && !slices.Equal(got, search.Want) {
			t.Errorf("%s: %q: got %v, want %v", search.Comment, search.Query, got, search.Want)
		}
		if search.First != nil && (len(got) != search.Count || !slices.Equal(got[:len(search.First)], search.First)) {
			t.Errorf("%s: %q: got %v, want %d that begin with %v", search.Comment, search.Query, got, search.Count, search.First)
		}
	}
}

func TestWholeTagIsFirstWhateverTheWords(t *testing.T) {
	x := open(t, t.TempDir())
	var photos []keyword.Document
	rare := "aardvark beagle cheetah dolphin elephant flamingo gorilla hedgehog iguana jaguar koala lemur"
	for id := range int64(3000) {
		photos = append(photos, keyword.Document{ID: id, Tags: []string{rare + " " + fmt.Sprint(id), "common"}})
	}
	for id := range int64(1500) {
		photos[id] = keyword.Document{ID: id, Tags: []string{"a", "b", "c", rare}}
	}
	photos = append(photos, keyword.Document{ID: 3000, Tags: []string{rare + " extra"}, Names: []string{rare + " extra.jpg"}, Folders: []string{rare}})
	apply(t, x, 1, photos...)
	hits, err := x.Search(context.Background(), rare, 1500)
	if err != nil || len(hits) != 1500 || hits[0].ID != 0 || hits[1499].ID != 1499 {
		t.Errorf("got %d hits, %v; want the 1,500 with the whole tag, in order of id", len(hits), err)
	}
}

func TestHostileText(t *testing.T) {
	x := open(t, t.TempDir())
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("word%d", i)
	}
	texts := []string{
		strings.Repeat("beach ", 1700), strings.Join(many, " "), strings.Repeat("🐶", 2500), strings.Repeat("x", 10<<10),
		strings.Repeat("aB1", 4<<10), strings.Repeat("e\u0301", 5<<10), "\xff\xfe\x80beach\xc3", strings.Repeat("'", 10<<10), "e" + strings.Repeat("\u0301", 5<<10),
	}
	for id, text := range texts {
		apply(t, x, int64(id), keyword.Document{ID: int64(id), Tags: []string{text}, Names: []string{text}, Folders: []string{text}})
	}
	for id, text := range texts {
		got := find(t, x, text)
		if emojiOrMarks := strings.Trim(text, "🐶'") == ""; !emojiOrMarks && !slices.Contains(got, int64(id)) {
			t.Errorf("%.30q: got %v, want %d among them", text, got, id)
		}
	}
	if got := find(t, x, "beach"); !slices.Equal(got, []int64{0, 6}) && !slices.Equal(got, []int64{6, 0}) {
		t.Errorf("beach: got %v, want 0 and 6", got)
	}
}

func TestApplyReplacesAndRemoves(t *testing.T) {
	x := open(t, t.TempDir())
	apply(t, x, 1, keyword.Document{ID: 1, Tags: []string{"cat"}}, keyword.Document{ID: 2, Tags: []string{"cat"}})
	if err := x.Apply([]keyword.Document{{ID: 1, Tags: []string{"horse"}}}, []int64{2, 3, 1}, 2); err != nil {
		t.Fatal(err)
	}
	if got := find(t, x, "cat horse"); !slices.Equal(got, []int64{1}) {
		t.Errorf("got %v, want [1]", got)
	}
	if count, err := x.Len(); err != nil || count != 1 {
		t.Errorf("Len: got %d, %v, want 1", count, err)
	}
}

func TestEqualScoresByID(t *testing.T) {
	x := open(t, t.TempDir())
	ids := []int64{math.MinInt64, -5, 0, 3, 20, 100, math.MaxInt64}
	for i, id := range ids {
		apply(t, x, int64(i), keyword.Document{ID: id, Tags: []string{"cat"}})
	}
	if got := find(t, x, "cat"); !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
	hits, err := x.Search(context.Background(), "cat", 2)
	if err != nil || len(hits) != 2 || hits[1].ID != -5 {
		t.Errorf("limit 2: got %v, %v", hits, err)
	}
}

func TestCancelled(t *testing.T) {
	x := open(t, t.TempDir())
	apply(t, x, 1, keyword.Document{ID: 1, Tags: []string{"cat"}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.Search(ctx, "cat", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestClosed(t *testing.T) {
	x := open(t, t.TempDir())
	for range 2 {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := x.Apply(nil, nil, 1); err == nil {
		t.Error("Apply after Close: no error")
	}
	if _, err := x.Search(context.Background(), "cat", 1); err == nil {
		t.Error("Search after Close: no error")
	}
	if _, err := x.Change(); err == nil {
		t.Error("Change after Close: no error")
	}
}
