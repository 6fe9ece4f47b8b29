package vector

import (
	"cmp"
	"fmt"
	"slices"

	"vsed/index"
)

// Search returns the k rows nearest to the query by dot product, exactly, best
// first, of equal scores the lower id first. There are fewer where the index
// has fewer. Where keep is given, only ids that it keeps take part: it filters
// before scoring, is called once a row from this goroutine, and must not call
// the index's writers. The query is checked as Put checks a row.
func (x *Index) Search(query []float32, k int, keep func(id int64) bool) ([]index.Hit, error) {
	if err := x.check(query); err != nil {
		return nil, fmt.Errorf("vector of the query: %w", err)
	}
	if k <= 0 {
		return nil, nil
	}
	best := newShortlist(k, x.margin())
	for _, block := range x.views() {
		x.scan(block, query, keep, best)
	}
	return best.exact(query), nil
}

// margin bounds the difference between the float32 and the float64 score of any
// row; the package comment derives it.
func (x *Index) margin() float64 {
	return 1.01 * float64(x.dimensions) / (1 << 24)
}

func (x *Index) scan(block view, query []float32, keep func(id int64) bool, best *shortlist) {
	for i, id := range block.ids {
		if block.dead.has(i) || keep != nil && !keep(id) {
			continue
		}
		row := block.rows[i*x.dimensions:][:x.dimensions]
		best.offer(id, row, coarse(query, row))
	}
}

// coarse is the dot product in float32. Eight sums keep the processor's adders
// busy: one alone waits for itself at each step.
func coarse(a, b []float32) float64 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		s4 += a[4] * b[4]
		s5 += a[5] * b[5]
		s6 += a[6] * b[6]
		s7 += a[7] * b[7]
		a, b = a[8:], b[8:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return float64(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)))
}

// score is the dot product that the index promises.
func score(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// A shortlist collects the rows that can still be among the best k.
type shortlist struct {
	k      int
	margin float64
	// floor is the coarse score below which a row cannot be among the best k.
	floor      float64
	candidates []candidate
	// limit is the number of candidates at which the list is pruned.
	limit int
}

type candidate struct {
	id     int64
	row    []float32
	coarse float64
}

func newShortlist(k int, margin float64) *shortlist {
	return &shortlist{k: k, margin: margin, floor: -4, limit: limitFor(k)}
}

// limitFor lets the list double before the next pruning, so that each offer
// costs the logarithm of the list; k may be as large as an int.
func limitFor(kept int) int {
	const least, most = 64, 1 << 40
	return 2 * min(max(kept, least), most)
}

func (s *shortlist) offer(id int64, row []float32, coarse float64) {
	if coarse < s.floor {
		return
	}
	s.candidates = append(s.candidates, candidate{id, row, coarse})
	if len(s.candidates) >= s.limit {
		s.prune()
	}
}

func (s *shortlist) prune() {
	if len(s.candidates) <= s.k {
		return
	}
	slices.SortFunc(s.candidates, func(a, b candidate) int { return cmp.Compare(b.coarse, a.coarse) })
	s.floor = s.candidates[s.k-1].coarse - 2*s.margin
	end := s.k
	for end < len(s.candidates) && s.candidates[end].coarse >= s.floor {
		end++
	}
	clear(s.candidates[end:])
	s.candidates = s.candidates[:end]
	s.limit = limitFor(end)
}

func (s *shortlist) exact(query []float32) []index.Hit {
	s.prune()
	hits := make([]index.Hit, len(s.candidates))
	for i, c := range s.candidates {
		hits[i] = index.Hit{ID: c.id, Score: score(query, c.row)}
	}
	slices.SortFunc(hits, index.Compare)
	return slices.Clip(hits[:min(s.k, len(hits))])
}
