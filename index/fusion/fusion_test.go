package fusion_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vsed/index"
	"vsed/index/fusion"
)

// blend has a power of two for a deviation, so that sums are exact.
var blend = fusion.Blend{Mean: 0.25, Deviation: 0.125, Words: 4, Learned: 2}

func hits(pairs ...float64) (list []index.Hit) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, index.Hit{ID: int64(pairs[i]), Score: pairs[i+1]})
	}
	return list
}

func TestFuse(t *testing.T) {
	f := func(want []index.Hit, l fusion.Lists) {
		t.Helper()
		if got := blend.Fuse(l); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f(hits(), fusion.Lists{})
	f(hits(1, 2, 2, 0, 3, -1), fusion.Lists{Vectors: hits(3, 0.125, 1, 0.5, 2, 0.25)})
	// Half the score of the best words is a quarter of their worth.
	f(hits(7, 4, 8, 1), fusion.Lists{Words: hits(7, 0.5, 8, 0.25)})
	f(hits(2, 5, 1, 2), fusion.Lists{Vectors: hits(1, 0.5, 2, 0.375), Words: hits(2, 1e-9)})
	f(hits(1, 4, 2, 4), fusion.Lists{Words: hits(2, 3, 1, 3)}) // a tie goes to the lower id
	f(hits(2, 3, 1, 2.5, 3, 0.5), fusion.Lists{Vectors: hits(1, 0.5, 2, 0.5), Learned: hits(2, 0.5, 1, 0.25, 3, 0.25)})
	// What is whole stands first, by its cosine, and leaves others their share.
	lift := 2/blend.Deviation + blend.Words + 1
	f(hits(5, 4+lift, 4, 3+lift, 1, 6, 6, 4), fusion.Lists{
		Whole: hits(4, 1, 5, 0.5), Words: hits(4, 1, 5, 0.5, 6, 1e-8), Vectors: hits(1, 1, 4, 0.125, 5, 0.25),
	})
}

// Whatever the other lists say, the exact tier comes first.
func TestWholeComesFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		b := fusion.Blend{Mean: 2*random.Float64() - 1, Deviation: math.Pow(10, -4*random.Float64()), Words: 10 * random.Float64(), Learned: 10 * random.Float64()}
		var l fusion.Lists
		for id := range int64(20) {
			if id < 5 {
				l.Whole = append(l.Whole, index.Hit{ID: id, Score: 1})
			} else if random.IntN(2) == 0 {
				l.Learned = append(l.Learned, index.Hit{ID: id, Score: 1})
			}
			if random.IntN(2) == 0 {
				l.Vectors = append(l.Vectors, index.Hit{ID: id, Score: float64(1 - 2*random.IntN(2))})
			}
			if random.IntN(2) == 0 {
				l.Words = append(l.Words, index.Hit{ID: id, Score: 1 - random.Float64()})
			}
		}
		for place, hit := range b.Fuse(l) {
			if (place < 5) != (hit.ID < 5) {
				t.Fatalf("%+v puts photo %d at place %d", b, hit.ID, place)
			}
		}
	}
}
