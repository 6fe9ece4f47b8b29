package vector

import "slices"

// chunkRows is the number of rows that are allocated together: growing never
// copies old rows, and 1,024 rows of 384 dimensions are 1.5 MB.
const chunkRows = 1024

// A chunk is a block of rows. A row is written once, before used passes it, and
// never changed after: searches read rows below the used that they noted while
// writers append behind it. A removed row is marked dead, its place not used
// again; a full chunk that is more than half dead is emptied into the last one,
// so the index takes at most twice its live rows and one chunk.
type chunk struct {
	ids  []int64
	rows []float32
	used int
	dead bitmap
	// deadCount is the number of bits set in dead.
	deadCount int
}

type bitmap [chunkRows / 64]uint64

func (b *bitmap) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b *bitmap) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// A view is a chunk as a search noted it.
type view struct {
	ids  []int64
	rows []float32
	dead bitmap
}

func (x *Index) views() []view {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	views := make([]view, len(x.chunks))
	for i, c := range x.chunks {
		views[i] = view{ids: c.ids[:c.used], rows: c.rows[:c.used*x.dimensions], dead: c.dead}
	}
	return views
}

// add appends a row; the id has none.
func (x *Index) add(id int64, row []float32) {
	last := x.last()
	copy(last.rows[last.used*x.dimensions:], row)
	last.ids[last.used] = id
	x.slots[id] = slot{last, last.used}
	last.used++
	x.compact(last)
}

// last is a chunk with room for one more row.
func (x *Index) last() *chunk {
	if n := len(x.chunks); n > 0 && x.chunks[n-1].used < chunkRows {
		return x.chunks[n-1]
	}
	fresh := &chunk{ids: make([]int64, chunkRows), rows: make([]float32, chunkRows*x.dimensions)}
	x.chunks = append(x.chunks, fresh)
	return fresh
}

func (x *Index) remove(id int64) {
	at, found := x.slots[id]
	if !found {
		return
	}
	delete(x.slots, id)
	at.chunk.dead.set(at.row)
	at.chunk.deadCount++
	x.compact(at.chunk)
}

// compact drops a full chunk that is more than half dead, after its live rows
// were moved to the last one.
func (x *Index) compact(old *chunk) {
	if old.used < chunkRows || old.deadCount <= chunkRows/2 {
		return
	}
	x.chunks = slices.DeleteFunc(x.chunks, func(c *chunk) bool { return c == old })
	for row, id := range old.ids {
		if !old.dead.has(row) {
			x.add(id, old.rows[row*x.dimensions:][:x.dimensions])
		}
	}
}
