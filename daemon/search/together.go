package search

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"vsed/index/vector"
)

// togetherQueries is how many queries may share a pass over the vectors: each
// takes memory of its own, and makes the pass longer.
const togetherQueries = 16

// together has queries that come while vectors are being scanned wait for the end
// of that pass, and go through the vectors in one of their own: several queries
// cost little more than one, as reading the rows is what takes the time.
type together struct {
	mutex   sync.Mutex
	passes  int // under way
	waiting []*waiter
}

// A waiter is a query that waits for others' pass. One of those that wait leads
// the next pass, and gets the others as its party.
type waiter struct {
	query []float32
	party chan []*waiter // of the leader, itself included
	done  chan answer
}

type answer struct {
	found vector.Result
	err   error
}

// mostPasses leaves cores for what else queries need.
func mostPasses() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// search is vector.Index.Search without a filter.
func (t *together) search(ctx context.Context, x *vector.Index, query []float32, k int) (vector.Result, error) {
	w := &waiter{query: query, party: make(chan []*waiter, 1), done: make(chan answer, 1)}
	t.mutex.Lock()
	if t.passes < mostPasses() {
		t.passes++
		w.party <- []*waiter{w}
	} else {
		t.waiting = append(t.waiting, w)
	}
	t.mutex.Unlock()
	ended := ctx.Done()
	for {
		select {
		case party := <-w.party:
			defer t.handOver()
			lead(ctx, x, party, k)
			ended = nil
		case got := <-w.done:
			return got.found, got.err
		case <-ended:
			if t.leave(w) {
				return vector.Result{}, ctx.Err()
			}
			ended = nil // it is in a party already
		}
	}
}

// leave takes a query that nobody waits for any more out of those that wait.
func (t *together) leave(w *waiter) (left bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	at := slices.Index(t.waiting, w)
	if at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
	}
	return at >= 0
}

// handOver ends a pass and begins the next, if there is one to begin.
func (t *together) handOver() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.waiting) == 0 {
		t.passes--
		return
	}
	count := min(len(t.waiting), togetherQueries)
	party := t.waiting[:count:count]
	t.waiting = t.waiting[count:]
	party[0].party <- party
}

// lead answers a party. The end of the leader's context does not end the others'.
func lead(ctx context.Context, x *vector.Index, party []*waiter, k int) {
	if len(party) > 1 {
		ctx = context.WithoutCancel(ctx)
	}
	queries := make([][]float32, len(party))
	for i, one := range party {
		queries[i] = one.query
	}
	found, err := x.SearchMany(ctx, queries, k, nil)
	for i, one := range party {
		if err == nil {
			one.done <- answer{found: found[i]}
		} else if len(party) == 1 {
			one.done <- answer{err: err}
		} else { // one that is refused is no reason to refuse the others
			alone, err := x.Search(ctx, one.query, k, nil)
			one.done <- answer{alone, err}
		}
	}
}
