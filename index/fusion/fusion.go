// Package fusion makes one ranked list of several, from the places alone: the
// scores of a vector scan and of a keyword search share no scale. Reading the
// indexes and cutting pages belong to the caller.
package fusion

import (
	"slices"

	"vsed/index"
)

// constant is k of reciprocal rank fusion, 60 as in Cormack, Clarke and
// Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
// learning methods", SIGIR 2009. It keeps one list's first place from
// outweighing a good place in both.
const constant = 60

// Reciprocal fuses lists that are each ordered best first: a photo scores the
// sum of 1/(60+rank) over the lists that have it. The result is ordered by
// index.Compare. An id that stands in one list twice counts at its first place.
func Reciprocal(lists ...[]index.Hit) []index.Hit {
	scores := map[int64]float64{}
	for _, list := range lists {
		seen := make(map[int64]bool, len(list))
		for place, hit := range list {
			if !seen[hit.ID] {
				seen[hit.ID] = true
				scores[hit.ID] += 1 / float64(constant+place+1)
			}
		}
	}
	fused := make([]index.Hit, 0, len(scores))
	for id, score := range scores {
		fused = append(fused, index.Hit{ID: id, Score: score})
	}
	slices.SortFunc(fused, index.Compare)
	return fused
}
