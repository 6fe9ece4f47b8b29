package search

import (
	"runtime"
	"strconv"
	"testing"

	"vsed/index"
)

// explained is a ranking of so many alternatives with what an explanation needs.
func explained(alternatives int) (r ranking) {
	r.owed = make(map[int64]uint8)
	for number := range alternatives {
		from := source{cosines: make(map[int64]float64), vectorRanks: make(map[int64]int), wordRanks: make(map[int64]int)}
		for i := range candidates {
			id := int64(number*candidates + i)
			from.cosines[id], from.vectorRanks[id], from.wordRanks[id] = 0.5, i, i
			r.owed[id] = uint8(number)
			r.hits = append(r.hits, index.Hit{ID: id})
		}
		r.sources = append(r.sources, from)
	}
	return r
}

func TestKeptRankingsAreBoundedByTheirBytes(t *testing.T) {
	var k kept
	asked := func(i int) Request { return Request{Text: strconv.Itoa(i)} }
	found := func(i int) bool { _, ok := k.take(asked(i), cursor{set: true}); return ok }
	for i := range 2 * keptLists {
		k.put(asked(i), 0, ranking{hits: []index.Hit{{}}})
	}
	if len(k.lists) != keptLists || found(keptLists-1) || !found(keptLists) || !found(2*keptLists-1) {
		t.Errorf("%d small ones are kept", len(k.lists))
	}
	for i := range 10 {
		k.put(asked(1000+i), 0, explained(8))
	}
	bytes := 0
	for _, one := range k.lists {
		bytes += one.bytes()
	}
	if bytes > keptBytes || bytes < keptBytes/2 || !found(1009) || found(1000) || found(keptLists) {
		t.Errorf("%d take %d bytes", len(k.lists), bytes)
	}
	large := explained(64)
	if k.put(asked(2000), 0, large); large.bytes() < keptBytes || len(k.lists) != 1 || !found(2000) {
		t.Errorf("beside one of %d bytes %d are kept", large.bytes(), len(k.lists)-1)
	}
}

// TestBytesOfARanking: what is said of it holds for the memory that it takes.
func TestBytesOfARanking(t *testing.T) {
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	r := explained(16)
	took := heap() - before
	if said := r.bytes(); said < took || said > 3*took {
		t.Errorf("said to take %d bytes, takes %d", said, took)
	}
	runtime.KeepAlive(r)
}
