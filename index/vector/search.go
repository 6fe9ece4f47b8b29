package vector

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"vsed/index"
	"vsed/index/vector/kernel"
)

// A Result is the answer to one query.
type Result struct {
	Hits     []index.Hit // the best k rows, best first, of equal scores the lower id first
	Rows     int         // how many rows were scanned
	Rescored int         // of how many the exact score was computed
}

// Search finds the k rows of the highest scores for the query, exactly; there
// are fewer where the index, or the filter, has fewer. A nil filter lets every
// row through. The query is checked as Apply checks a vector.
func (x *Index) Search(ctx context.Context, query []float32, k int, filter *Filter) (Result, error) {
	results, err := x.SearchMany(ctx, [][]float32{query}, k, filter)
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// SearchMany answers several queries in one pass over the rows: result i is what
// Search gives for query i.
func (x *Index) SearchMany(ctx context.Context, queries [][]float32, k int, filter *Filter) ([]Result, error) {
	for _, query := range queries {
		if err := x.check(query); err != nil {
			return nil, fmt.Errorf("vector of the query: %w", err)
		}
	}
	s, err := x.acquire()
	if err != nil {
		return nil, err
	}
	defer s.release()
	if k = min(k, s.live); k <= 0 || len(queries) == 0 {
		return make([]Result, len(queries)), nil
	}
	if err := s.intact(); err != nil {
		return nil, x.report(err)
	}
	f := newSearch(x, s, queries, k, filter)
	results, err := f.run(ctx)
	if err != nil {
		return nil, x.report(err)
	}
	return results, nil
}

// A search is a pass under way. Its workers take blocks in turns.
type search struct {
	x        *Index
	snapshot *snapshot
	filter   *filtered // nil: every row
	k        int
	queries  []prepared
	packed   []int8
	plain    []kernel.Query // with the packed queries' own numbers
	terms    [][]terms      // by view and query
	blocks   []blockPlace
	next     atomic.Int64
	rows     atomic.Int64
	// floors are the highest known k-th best lower bounds, as float64 bits.
	floors []atomic.Uint64
}

type blockPlace struct{ view, block int }

func newSearch(x *Index, s *snapshot, queries [][]float32, k int, filter *Filter) *search {
	f := &search{x: x, snapshot: s, k: k, plain: make([]kernel.Query, len(queries)), floors: make([]atomic.Uint64, len(queries))}
	if filter != nil {
		f.filter = filter.in(s)
	}
	for i, query := range queries {
		p := prepare(x.rotation, query)
		f.queries = append(f.queries, p)
		f.packed = f.plain[i].Pack(f.packed, p.levels)
		f.floors[i].Store(math.Float64bits(math.Inf(-1)))
	}
	for i, v := range s.views {
		f.terms = append(f.terms, nil)
		if v.segment == nil || v.live() == 0 {
			continue
		}
		for _, p := range f.queries {
			f.terms[i] = append(f.terms[i], p.in(v.centre, x.layout.width, x.looseness))
		}
		for block := range (v.rows + blockRows - 1) / blockRows {
			f.blocks = append(f.blocks, blockPlace{i, block})
		}
	}
	return f
}

func (f *search) run(ctx context.Context) ([]Result, error) {
	workers := make([]*worker, min(f.x.threads, len(f.blocks)))
	for i := range workers {
		workers[i] = newWorker(f)
	}
	errs := make([]error, len(workers))
	var others sync.WaitGroup
	for i, w := range workers[1:] {
		others.Go(func() { errs[i+1] = w.scanAll(ctx) })
	}
	errs[0] = workers[0].scanAll(ctx)
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(f.queries))
	for i := range results {
		var all []candidate
		for _, w := range workers {
			all = append(all, w.lists[i].candidates...)
		}
		hits, rescored, err := f.exact(i, all)
		if err != nil {
			return nil, err
		}
		results[i] = Result{Hits: hits, Rows: int(f.rows.Load()), Rescored: rescored}
	}
	return results, nil
}

// raise makes the floor of a query at least so high.
func (f *search) raise(query int, floor float64) {
	for {
		old := f.floors[query].Load()
		if math.Float64frombits(old) >= floor || f.floors[query].CompareAndSwap(old, math.Float64bits(floor)) {
			return
		}
	}
}

func (f *search) floor(query int) float64 { return math.Float64frombits(f.floors[query].Load()) }

// A worker is one thread of a search, with its memory.
type worker struct {
	*search
	lists   []shortlist
	queries []kernel.Query
	found   []kernel.Found
	counts  []uint32
	list    []uint16
	keep    [blockRows / 64]uint64
}

func newWorker(f *search) *worker {
	n := len(f.queries)
	w := &worker{search: f, lists: make([]shortlist, n), queries: slices.Clone(f.plain), found: make([]kernel.Found, n*blockRows),
		counts: make([]uint32, n), list: make([]uint16, 0, blockRows)}
	for i := range w.lists {
		w.lists[i].k = f.k
	}
	return w
}

func (w *worker) scanAll(ctx context.Context) error {
	for {
		i := int(w.next.Add(1)) - 1
		if i >= len(w.blocks) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.scan(w.blocks[i]); err != nil {
			return err
		}
	}
}

// scan offers the rows of a block that can be among the best.
func (w *worker) scan(at blockPlace) error {
	v := w.snapshot.views[at.view]
	if err := v.checkRows(at.block); err != nil {
		return err
	}
	rows := min(v.rows-at.block*blockRows, blockRows)
	kept := w.choose(at, rows)
	if kept == 0 {
		return nil
	}
	w.rows.Add(int64(kept))
	b := kernel.Block{Width: v.width, Rows: v.part(at.block, v.layout.rows, rows*v.width), Offsets: v.offsetsOf(at.block, rows), Radii: v.radiiOf(at.block, rows)}
	scanned := rows
	if kept < rows*7/8 {
		b.List = w.listKept()
		scanned = kept
	}
	for i, t := range w.terms[at.view] {
		t.fill(&w.queries[i], w.floor(i))
	}
	w.x.kernel.Scan(b, w.packed, w.queries, w.found, w.counts)
	for i, t := range w.terms[at.view] {
		w.offer(i, t, at, b, w.found[i*scanned:][:w.counts[i]])
	}
	return nil
}

// choose sets keep for the rows of a block that are alive and pass the filter,
// and counts them.
func (w *worker) choose(at blockPlace, rows int) (kept int) {
	v, first := w.snapshot.views[at.view], at.block*blockRows/64
	for i := 0; i*64 < rows; i++ {
		word := ^uint64(0)
		if left := rows - i*64; left < 64 {
			word = 1<<left - 1
		}
		if v.dead != nil {
			word &^= v.dead[first+i]
		}
		if w.filter != nil {
			word &= w.filter.words[at.view][first+i]
		}
		w.keep[i] = word
		kept += bits.OnesCount64(word)
	}
	clear(w.keep[(rows+63)/64:])
	return kept
}

func (w *worker) listKept() []uint16 {
	w.list = w.list[:0]
	for i, word := range w.keep {
		for ; word != 0; word &= word - 1 {
			w.list = append(w.list, uint16(i*64+bits.TrailingZeros64(word)))
		}
	}
	return w.list
}

func (w *worker) offer(query int, t terms, at blockPlace, b kernel.Block, found []kernel.Found) {
	list := &w.lists[query]
	for _, one := range found {
		if w.keep[one.Row/64]&(1<<(one.Row%64)) == 0 {
			continue
		}
		estimate, bound := t.estimate(one.Dot, b.Offsets[one.Row]), t.bound(b.Radii[one.Row])
		list.offer(candidate{addressOf(at.view, at.block*blockRows+int(one.Row)), estimate, estimate + bound}, estimate-bound)
	}
	if list.full() {
		w.raise(query, list.lows[0])
	}
	list.prune(w.floor(query))
}

// Sweep reads every byte that a search without a filter reads, and only adds
// them up: on the same memory no search of so many threads can be faster. It
// returns the number of bytes and their sum.
func (x *Index) Sweep(threads int) (bytes int64, sum uint64, err error) {
	s, err := x.acquire()
	if err != nil {
		return 0, 0, err
	}
	defer s.release()
	if err := s.intact(); err != nil {
		return 0, 0, x.report(err)
	}
	var parts [][]byte
	for _, v := range s.views {
		if v.segment == nil {
			continue
		}
		for first := 0; first < v.rows; first += blockRows {
			rows := min(v.rows-first, blockRows)
			part := v.part(first/blockRows, v.offsets, v.layout.rows-v.offsets+rows*v.width)
			parts, bytes = append(parts, part), bytes+int64(len(part))
		}
	}
	var next, total atomic.Uint64
	work := func() {
		for i := next.Add(1); i <= uint64(len(parts)); i = next.Add(1) {
			total.Add(x.kernel.Sum(parts[i-1]))
		}
	}
	var others sync.WaitGroup
	for range threads - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return bytes, total.Load(), nil
}

// Kernel names the inner loops in use.
func (x *Index) Kernel() string { return x.kernel.Name }
