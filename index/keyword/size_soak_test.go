//go:build soak

package keyword_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vsed/index/keyword"
)

// TestAMillionDocumentsSoak prints what a large index takes and how fast it is.
func TestAMillionDocumentsSoak(t *testing.T) {
	const count, batch = 1_000_000, 500
	folder := t.TempDir()
	x := open(t, folder)
	source := rand.New(rand.NewPCG(1, 1))
	begin := time.Now()
	for id := int64(0); id < count; {
		documents := make([]keyword.Document, batch)
		for i := range documents {
			documents[i] = photo(source, id)
			documents[i].Title, documents[i].Cameras = "Holiday in Rome", []string{"Google Pixel 7", "50mm"}
			id++
		}
		apply(t, x, id, documents...)
	}
	t.Logf("%d documents, %.0f/s", count, count/time.Since(begin).Seconds())
	var bytes int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if info, infoErr := entry.Info(); err == nil && infoErr == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f bytes a document", float64(bytes)/count)
	one := keyword.Among(func(id int64) bool { return id%100 == 0 })
	for _, one := range []struct {
		what, text string
		options    []keyword.SearchOption
	}{
		{"a sentence", "a dog on the beach %d", nil}, {"1 % of the photos", "a dog on the beach %d", []keyword.SearchOption{one}},
		{"a slip", "holidey %d", nil}, {"typing", "%d hol", []keyword.SearchOption{keyword.Typing()}},
		{"typing a name", "%d img", []keyword.SearchOption{keyword.Typing()}},
		{"every photo", "holiday pixel %d", nil}, {"a name", "IMG_%04d", nil},
	} {
		var took []time.Duration
		for i := range 50 {
			begin := time.Now()
			if _, err := x.Search(context.Background(), fmt.Sprintf(one.text, i*7), 1000, one.options...); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		t.Logf("%-20s median %6.2f ms, p95 %6.2f ms", one.what, took[25].Seconds()*1000, took[47].Seconds()*1000)
	}
}
