package keyword_test

import (
	"context"
	"sync"
	"testing"

	"vsed/index/keyword"
)

// TestSearchesWhileDocumentsAreReplaced: whatever is written and merged meanwhile, a
// search sees each document once.
func TestSearchesWhileDocumentsAreReplaced(t *testing.T) {
	x, ctx := open(t, t.TempDir()), context.Background()
	const count, batch = 300, 50
	put := func(first, change int64) {
		var documents []keyword.Document
		for id := first; id < first+batch; id++ {
			documents = append(documents, keyword.Document{ID: id, Tags: []string{"moon"}, Title: []string{"boat", "ship"}[change%2]})
		}
		apply(t, x, change, documents...)
	}
	for first := int64(0); first < count; first += batch {
		put(first, first+1)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				hits, err := x.Search(ctx, "moon boat ship", 2*count)
				seen := make(map[int64]bool)
				for _, hit := range hits {
					seen[hit.ID] = true
				}
				if err != nil || len(hits) != count || len(seen) != count {
					t.Errorf("%d hits of %d documents, %v", len(hits), len(seen), err)
					return
				}
				ids := []int64{0, 7, 299, 300}
				if scored, err := x.Score(ctx, "moon", ids); err != nil || len(scored) != 3 {
					t.Errorf("scored %v, %v", scored, err)
				}
				if matches, err := x.Explain(ctx, "boat ship", ids); err != nil || len(matches[7]) != 1 {
					t.Errorf("matches %v, %v", matches, err)
				}
			}
		})
	}
	for change := range int64(60) {
		put(change%(count/batch)*batch, count+1+change)
	}
	close(done)
	readers.Wait()
}
