package vector

import (
	"cmp"
	"math"
	"slices"

	"vsed/index"
)

// A candidate is a row that may be among the best: its score is at most upper.
type candidate struct {
	at              address
	estimate, upper float64
}

// A shortlist collects candidates and the highest lower bounds.
type shortlist struct {
	k          int
	candidates []candidate
	lows       []float64 // the k highest, the least first: a heap
	limit      int       // length at which the candidates are pruned
}

// leastPruned keeps the pruning from costing more than the candidates.
const leastPruned = 4096

func (l *shortlist) full() bool { return len(l.lows) == l.k }

func (l *shortlist) offer(c candidate, low float64) {
	if l.full() {
		if c.upper < l.lows[0] {
			return
		}
		if low > l.lows[0] {
			l.lows[0] = low
			siftDown(l.lows)
		}
	} else if l.lows = append(l.lows, low); l.full() {
		slices.Sort(l.lows) // which is a heap
	}
	l.candidates = append(l.candidates, c)
}

func siftDown(heap []float64) {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child] < heap[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// prune drops candidates below the floor when there are many.
func (l *shortlist) prune(floor float64) {
	if len(l.candidates) < max(l.limit, leastPruned) {
		return
	}
	l.candidates = slices.DeleteFunc(l.candidates, func(c candidate) bool { return c.upper < floor })
	l.limit = 2 * len(l.candidates)
}

// exact gives the best of the candidates by exact score. The k of the highest
// estimates are scored first: the least of their scores is a floor that few of
// the others reach.
func (f *search) exact(query int, all []candidate) (hits []index.Hit, rescored int, err error) {
	floor := f.floor(query)
	all = slices.DeleteFunc(all, func(c candidate) bool { return c.upper < floor })
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.estimate, a.estimate) })
	first := all[:min(f.k, len(all))]
	if hits, err = f.rescore(query, first, nil); err != nil {
		return nil, 0, err
	}
	floor = math.Inf(-1)
	if len(hits) == f.k {
		floor = slices.MinFunc(hits, func(a, b index.Hit) int { return cmp.Compare(a.Score, b.Score) }).Score
	}
	rest := slices.DeleteFunc(all[len(first):], func(c candidate) bool { return c.upper < floor })
	if hits, err = f.rescore(query, rest, hits); err != nil {
		return nil, 0, err
	}
	rescored = len(hits)
	slices.SortFunc(hits, index.Compare)
	return slices.Clone(hits[:min(f.k, len(hits))]), rescored, nil
}

// rescore appends the exact hits of the candidates.
func (f *search) rescore(query int, some []candidate, hits []index.Hit) ([]index.Hit, error) {
	var places []uint64
	var scores []float64
	for i, v := range f.snapshot.views {
		begin := len(hits)
		if v.segment == nil {
			continue
		}
		places = places[:0]
		for _, c := range some {
			if c.at.view() != i {
				continue
			}
			row := c.at.row()
			if err := v.checkHalf(row, asBytes(v.half(row))); err != nil {
				return nil, err
			}
			places, hits = append(places, v.halfPlace(row)), append(hits, index.Hit{ID: v.id(row)})
		}
		scores = slices.Grow(scores[:0], len(places))[:len(places)]
		f.x.kernel.Score(v.memory, places, f.queries[query].values, scores)
		for j, score := range scores {
			hits[begin+j].Score = score
		}
	}
	return hits, nil
}
