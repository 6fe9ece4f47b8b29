package keyword

import (
	"math"
	"slices"
	"testing"
)

// TestADocumentIsFoundByItsPhoto: whatever numbers the photos have, and in whatever
// order they lie.
func TestADocumentIsFoundByItsPhoto(t *testing.T) {
	f := func(ids ...int64) {
		t.Helper()
		p := &photos{ids: ids}
		p.arrange()
		near := []int64{0, math.MinInt64, math.MaxInt64}
		for _, id := range ids {
			near = append(near, id-1, id, id+1)
		}
		for _, id := range near {
			want := slices.Index(ids, id)
			if document, ok := p.document(id); ok != (want >= 0) || ok && int(document) != want {
				t.Errorf("%v: document of %d is %d, %v; want %d", ids, id, document, ok, want)
			}
		}
	}
	f()
	f(7)
	f(5, 2, 3, 6)
	f(-2, 1, 0)
	f(1, 500, 1_000_000)
	f(1_000_000, 1, 500)
	f(math.MaxInt64, math.MinInt64, 5)
	f(math.MinInt64, math.MinInt64+1)
}
