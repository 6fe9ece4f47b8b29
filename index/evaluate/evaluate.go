// Package evaluate measures ranked lists against what is known to be right: recall
// at K, median rank, mean average precision, precision, false alarms, and how far
// chance moves each of them. It knows neither photos nor indexes: a list comes as
// scores, or as the places of what is relevant.
//
// Three rules hold everywhere. Ties count against the query. A score that is NaN is
// an error, never a hit. What a list leaves out stands at its end, and of that what
// is relevant comes last.
package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNoneRelevant refuses a query for which nothing is right: no measure has a
// value for it.
var ErrNoneRelevant = errors.New("nothing is relevant to the query")

// A Ranking is the answer to one query.
type Ranking struct {
	list   []bool // for each place of the list, whether what stands there is relevant
	wanted int    // how many are relevant, in the list or not
	size   int    // how many were to be ranked
}

// Scored ranks everything by its score, the highest first; of equal scores the
// relevant come last.
func Scored(scores []float64, relevant []bool) (Ranking, error) {
	if len(scores) != len(relevant) {
		return Ranking{}, fmt.Errorf("%d scores for %d items", len(scores), len(relevant))
	}
	order := make([]int, len(scores))
	for i, score := range scores {
		if math.IsNaN(score) {
			return Ranking{}, fmt.Errorf("the score of item %d is not a number", i)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), compareBool(relevant[a], relevant[b]))
	})
	list := make([]bool, len(order))
	for place, item := range order {
		list[place] = relevant[item]
	}
	return Listed(list, count(list), len(list))
}

// Listed is the ranking of a list that may have been cut off: for each of its places
// whether what stands there is relevant, how many of all size items are.
func Listed(list []bool, wanted, size int) (Ranking, error) {
	switch found := count(list); {
	case wanted == 0:
		return Ranking{}, ErrNoneRelevant
	case found > wanted || len(list)-found > size-wanted:
		return Ranking{}, fmt.Errorf("a list of %d with %d relevant, where %d of %d are", len(list), found, wanted, size)
	}
	return Ranking{list: list, wanted: wanted, size: size}, nil
}

// Rank is the place of the first that is relevant, from 0.
func (r Ranking) Rank() int {
	if place := slices.Index(r.list, true); place >= 0 {
		return place
	}
	return r.size - r.wanted
}

// First is the Rank of Scored without its sorting: the place of the first that is
// relevant. Of many thousands of captions nothing else is asked.
func First(scores []float64, relevant []bool) (int, error) {
	if len(scores) != len(relevant) {
		return 0, fmt.Errorf("%d scores for %d items", len(scores), len(relevant))
	}
	best, found := math.Inf(-1), false
	for i, score := range scores {
		if math.IsNaN(score) {
			return 0, fmt.Errorf("the score of item %d is not a number", i)
		}
		if relevant[i] {
			best, found = max(best, score), true
		}
	}
	if !found {
		return 0, ErrNoneRelevant
	}
	rank := 0
	for i, score := range scores {
		if !relevant[i] && score >= best {
			rank++
		}
	}
	return rank, nil
}

// AveragePrecision is the mean of the precisions at the places of the relevant; one
// that the list leaves out adds nothing.
func (r Ranking) AveragePrecision() float64 {
	var sum float64
	found := 0
	for place, relevant := range r.list {
		if relevant {
			found++
			sum += float64(found) / float64(place+1)
		}
	}
	return sum / float64(r.wanted)
}

// Precision is the share of the first k places that are relevant.
func (r Ranking) Precision(k int) float64 {
	return float64(count(r.list[:min(k, len(r.list))])) / float64(k)
}

// Recall is the share of the relevant that stand in the first k places.
func (r Ranking) Recall(k int) float64 {
	return float64(count(r.list[:min(k, len(r.list))])) / float64(r.wanted)
}

// Within gives for each rank 1 where it is below k, else 0: their mean is the recall
// at k.
func Within(ranks []int, k int) []float64 {
	values := make([]float64, len(ranks))
	for i, rank := range ranks {
		if rank < k {
			values[i] = 1
		}
	}
	return values
}

// MedianRank counts from 1; of an even number of ranks it is the mean of the two in
// the middle, rounded down.
func MedianRank(ranks []int) int {
	sorted := slices.Sorted(slices.Values(ranks))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1]+sorted[middle])/2 + 1
	}
	return sorted[middle] + 1
}

// Mean is that of one measure over the queries.
func Mean(values []float64) float64 {
	var sum float64
	for _, value := range values {
		sum += value
	}
	return sum / float64(len(values))
}

func count(list []bool) (n int) {
	for _, relevant := range list {
		if relevant {
			n++
		}
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
