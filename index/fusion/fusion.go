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

// A Fused is a photo with its score over all lists.
type Fused struct {
	index.Hit
	// Ranks has the place in each list, in the order the lists were given: 1 is
	// the first, 0 says that the list does not have the photo.
	Ranks []int
}

// Reciprocal fuses lists that are each ordered best first: a photo scores the
// sum of 1/(60+rank) over the lists that have it. The result is ordered by
// index.Compare. An id that stands in one list twice counts at its first place.
func Reciprocal(lists ...[]index.Hit) []Fused {
	fused := map[int64]*Fused{}
	for number, list := range lists {
		for place, hit := range list {
			photo := fused[hit.ID]
			if photo == nil {
				photo = &Fused{Hit: index.Hit{ID: hit.ID}, Ranks: make([]int, len(lists))}
				fused[hit.ID] = photo
			}
			if photo.Ranks[number] == 0 {
				photo.Ranks[number] = place + 1
				photo.Score += 1 / float64(constant+place+1)
			}
		}
	}
	return ordered(fused)
}

func ordered(fused map[int64]*Fused) []Fused {
	list := make([]Fused, 0, len(fused))
	for _, photo := range fused {
		list = append(list, *photo)
	}
	slices.SortFunc(list, func(a, b Fused) int { return index.Compare(a.Hit, b.Hit) })
	return list
}
