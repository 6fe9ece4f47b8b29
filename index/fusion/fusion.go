// Package fusion makes one ranked list of what several indexes found. It knows
// scores and ids alone: reading the indexes, calibrating an encoder and cutting
// pages belong to the caller.
package fusion

import (
	"math"
	"slices"

	"vsed/index"
)

// Lists are what the indexes found for one query.
type Lists struct {
	// Whole are the photos with a tag or name that is the whole query. Their order
	// and scores say nothing.
	Whole []index.Hit
	// Words are photos that share words with the query, with scores above 0. Photos
	// of Whole may be among them.
	Words []index.Hit
	// Learned are photos with the evidence, from 0 to 1, that they have the words of the
	// query: by what was learned, or for certain.
	Learned []index.Hit
	// Vectors are photos with their cosine to the query: also of those that stand in
	// another list alone, as far as they have one.
	Vectors []index.Hit
}

// Words is what the best match of words counts, in deviations of the cosine: the
// best of what was measured (docs/search.md); from 4 to 8 little changes.
const Words = 5

// Learned is what a photo counts that has all words of a query for certain, where any
// of them is learned; in deviations of the cosine (docs/search.md).
const Learned = 8

// doubt is a confidence that counts little: what is below it is hardly told from nothing.
const doubt = 0.01

// Evidence is what a confidence in a learned word counts beside a certain one, from 0 to
// 1: it grows by equal parts with each doubling above what counts little.
func Evidence(confidence float64) float64 {
	return math.Log1p(confidence/doubt) / math.Log1p(1/doubt)
}

// A Blend adds up the calibrated scores of the lists.
type Blend struct {
	// Mean and Deviation are those of the cosine between a photo and a sentence that
	// does not describe it: one encoder's 0.1 is another's 0.3. Deviation is above 0.
	Mean, Deviation float64
	Words           float64 // see the constant
	Learned         float64 // likewise
}

// Fuse makes one list, ordered by index.Compare. A photo scores how many
// deviations its cosine lies above what a wrong sentence has, 0 where it has none,
// and Words times the square of its share of the best words' score: one word of two
// is less than half; and Learned times what is learned of it. Photos of Whole count as
// the best words, and stand before all others.
func (b Blend) Fuse(l Lists) []index.Hit {
	scores := make(map[int64]float64, len(l.Vectors)+len(l.Words))
	for _, hit := range l.Vectors {
		scores[hit.ID] = (hit.Score - b.Mean) / b.Deviation
	}
	whole := make(map[int64]bool, len(l.Whole))
	for _, hit := range l.Whole {
		whole[hit.ID] = true
	}
	lift := b.lift()
	if len(l.Learned) > 0 {
		lift += b.Learned
	}
	for id := range whole {
		scores[id] += b.Words + lift
	}
	for _, hit := range l.Learned {
		scores[hit.ID] += b.Learned * hit.Score
	}
	best := bestScore(l.Words, whole)
	for _, hit := range l.Words {
		if share := hit.Score / best; !whole[hit.ID] {
			scores[hit.ID] += b.Words * share * share
		}
	}
	fused := make([]index.Hit, 0, len(scores))
	for id, score := range scores {
		fused = append(fused, index.Hit{ID: id, Score: score})
	}
	slices.SortFunc(fused, index.Compare)
	return fused
}

// lift is more than all but what was learned can make of a difference: two cosines lie
// 2 apart at most.
func (b Blend) lift() float64 { return 2/b.Deviation + b.Words + 1 }

func bestScore(words []index.Hit, without map[int64]bool) (best float64) {
	for _, hit := range words {
		if !without[hit.ID] {
			best = max(best, hit.Score)
		}
	}
	return best
}
