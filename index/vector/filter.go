package vector

import (
	"iter"
	"sync/atomic"
)

// A Filter is a set of ids to which a search is limited. It may be used by
// several searches, also at the same time, of any index. It keeps the rows that
// it found in the last snapshot: the next search of that snapshot does not look
// at the ids.
type Filter struct {
	first  int64
	dense  []uint64 // a bit an id, from first on
	sparse map[int64]struct{}
	rows   atomic.Pointer[filtered]
}

// Filtered are the rows of a snapshot that pass a filter.
type filtered struct {
	snapshot *snapshot  // not held: its memory may be gone
	words    [][]uint64 // by view, a bit a row
}

// in gives the rows of the snapshot that pass.
func (f *Filter) in(s *snapshot) *filtered {
	if last := f.rows.Load(); last != nil && last.snapshot == s {
		return last
	}
	found := &filtered{snapshot: s, words: make([][]uint64, len(s.views))}
	for i, v := range s.views {
		found.words[i] = make([]uint64, (v.rows+63)/64)
		for j := range found.words[i] {
			row := j * 64
			found.words[i][j] = f.keep(v.ids(row/blockRows, blockRows)[row%blockRows:][:min(64, v.rows-row)])
		}
	}
	f.rows.Store(found)
	return found
}

// denseBits is the number of bits that a set may take an id before it becomes a
// map. Photos are numbered from 1 on.
const denseBits = 512

// NewFilter makes the set of the ids.
func NewFilter(ids iter.Seq[int64]) *Filter {
	f, count, last := &Filter{}, uint64(0), int64(0)
	for id := range ids {
		if count == 0 {
			f.first, last = id, id
		}
		f.first, last = min(f.first, id), max(last, id)
		count++
	}
	if count == 0 {
		return f
	}
	if span := uint64(last) - uint64(f.first); span/denseBits <= count {
		f.dense = make([]uint64, span/64+1)
	} else {
		f.sparse = make(map[int64]struct{}, count)
	}
	for id := range ids {
		f.add(id)
	}
	return f
}

// NewFilterOfBits makes the set of the ids whose bits are set: bit i%64 of word
// i/64 stands for id i. It keeps the words, which do not change any more.
func NewFilterOfBits(words []uint64) *Filter { return &Filter{dense: words} }

func (f *Filter) add(id int64) {
	if f.sparse != nil {
		f.sparse[id] = struct{}{}
		return
	}
	bit := uint64(id) - uint64(f.first)
	f.dense[bit/64] |= 1 << (bit % 64)
}

func (f *Filter) has(id int64) bool {
	if f.sparse != nil {
		_, ok := f.sparse[id]
		return ok
	}
	bit := uint64(id) - uint64(f.first)
	return bit/64 < uint64(len(f.dense)) && f.dense[bit/64]&(1<<(bit%64)) != 0
}

// keep gives a bit for each of up to 64 ids.
func (f *Filter) keep(ids []int64) (bits uint64) {
	if f.sparse != nil {
		for i, id := range ids {
			if f.has(id) {
				bits |= 1 << i
			}
		}
		return bits
	}
	for i, id := range ids {
		bit := uint64(id) - uint64(f.first)
		if word := bit / 64; word < uint64(len(f.dense)) {
			bits |= f.dense[word] >> (bit % 64) & 1 << i
		}
	}
	return bits
}
