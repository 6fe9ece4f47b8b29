package vector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"vsed/index/vector/kernel"
)

// Tolerance is how far from 1 the length of a row or a query may be.
const Tolerance = 1e-3

// MaxDimensions is the largest number of dimensions.
const MaxDimensions = 16384

// Options are the settings of an index; the zero value will do.
type Options struct {
	// Threads is the number of cores that one search may use; 0 stands for 1.
	Threads int
}

// A Vector is what Apply stores: values of unit length within Tolerance, which
// are rounded to float16. They are not kept.
type Vector struct {
	ID     int64
	Values []float32
}

// An Index is open for one process, in which all methods may be called at the
// same time. Searches see the rows as they were when they began, take no lock
// and keep nobody waiting.
type Index struct {
	dir       string
	rotation  *rotation
	layout    layout
	threads   int
	kernel    kernel.Kernel
	looseness float64 // factor of the bound; other than 1 only in tests
	lock      *os.File

	current atomic.Pointer[snapshot] // nil: closed
	rebuilt atomic.Pointer[damage]
	found   atomic.Pointer[damage] // for the maintainer

	// writing is held by whoever changes what is stored.
	writing  sync.Mutex
	journal  *journal
	tail     int // place of the view that rows are appended to; -1: none
	next     uint32
	appender *appender
	lost     bool // the next Apply must say that the rows are gone

	// mutex guards the table together with the snapshot that it belongs to; it is
	// held for work in memory only.
	mutex sync.RWMutex
	table *table

	wake      chan struct{} // work for the maintainer
	lostToken chan struct{}
	stop      context.CancelFunc
	done      chan struct{}
}

// acquire gives the current snapshot, which the caller releases.
func (x *Index) acquire() (*snapshot, error) {
	for {
		s := x.current.Load()
		if s == nil {
			return nil, ErrClosed
		}
		if s.acquire() {
			return s, nil
		}
	}
}

// drop gives up the current snapshot and the log.
func (x *Index) drop() error {
	if old := x.current.Swap(nil); old != nil {
		old.release()
	}
	if x.journal == nil {
		return nil
	}
	return x.journal.close()
}

// Close ends the index's goroutine. Searches that run end as if it were open;
// what Apply has acknowledged is stored. It may be called several times.
func (x *Index) Close() error {
	x.stop()
	<-x.done
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.current.Load() == nil {
		return nil
	}
	return errors.Join(x.drop(), x.lock.Close())
}

// Len is the number of rows that a search can find.
func (x *Index) Len() int {
	s, err := x.acquire()
	if err != nil {
		return 0
	}
	defer s.release()
	return s.live
}

// Change is the change number of the last Apply that is stored, 0 for none.
func (x *Index) Change() int64 {
	s, err := x.acquire()
	if err != nil {
		return 0
	}
	defer s.release()
	return s.change
}

// Rebuilt says why the index started anew: when it was opened, or later when
// damage was found. It is nil where it did not.
func (x *Index) Rebuilt() error {
	if d := x.rebuilt.Load(); d != nil {
		return d.reason
	}
	return nil
}

// Lost gives a token whenever the index has started anew because damage was
// found while it was open: whoever fills it then begins again from change 0.
func (x *Index) Lost() <-chan struct{} { return x.lostToken }

// Vector gives a copy of the stored row of the id, and whether there is one.
func (x *Index) Vector(id int64) ([]float32, bool, error) {
	s, at, err := x.locate([]int64{id})
	if err != nil {
		return nil, false, err
	}
	defer s.release()
	place, ok := at[id]
	if !ok {
		return nil, false, nil
	}
	v := s.views[place.view()]
	if err := v.trusted(place.row()); err != nil {
		return nil, false, x.report(err)
	}
	values := make([]float32, x.layout.dimensions)
	for i, half := range v.half(place.row()) {
		values[i] = kernel.FromHalf(half)
	}
	return values, true, nil
}

// Score gives the exact score of each of the ids that has a row.
func (x *Index) Score(query []float32, ids []int64) (map[int64]float64, error) {
	if err := x.check(query); err != nil {
		return nil, fmt.Errorf("vector of the query: %w", err)
	}
	s, at, err := x.locate(ids)
	if err != nil {
		return nil, err
	}
	defer s.release()
	if err := s.intact(); err != nil {
		return nil, x.report(err)
	}
	some := make([]candidate, 0, len(at))
	for _, place := range at {
		some = append(some, candidate{at: place})
	}
	slices.SortFunc(some, func(a, b candidate) int { return cmp.Compare(a.at, b.at) }) // as they lie in memory
	f := search{x: x, snapshot: s, queries: []prepared{{values: query}}}
	hits, err := f.rescore(0, some, nil)
	if err != nil {
		return nil, x.report(err)
	}
	scores := make(map[int64]float64, len(hits))
	for _, hit := range hits {
		scores[hit.ID] = hit.Score
	}
	return scores, nil
}

// trusted checks that the float16 row can be used.
func (v view) trusted(row int) error {
	if err := v.intact(v.rows); err != nil {
		return err
	}
	return v.checkHalf(row, asBytes(v.half(row)))
}

// locate finds the rows of the ids in the current snapshot, which the caller
// releases.
func (x *Index) locate(ids []int64) (*snapshot, map[int64]address, error) {
	if err := x.makeTable(); err != nil {
		return nil, nil, x.report(err)
	}
	x.mutex.RLock()
	defer x.mutex.RUnlock()
	s, err := x.acquire()
	if err != nil {
		return nil, nil, err
	}
	at := make(map[int64]address, len(ids))
	for _, id := range ids {
		if place, ok := x.table.find(s, id); ok {
			at[id] = place
		}
	}
	return s, at, nil
}

// makeTable makes the table unless there is one: it takes some 50 ms a million
// rows, which Open does not wait for.
func (x *Index) makeTable() error {
	x.mutex.RLock()
	made := x.table != nil
	x.mutex.RUnlock()
	if made {
		return nil
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	s := x.current.Load()
	if s == nil {
		return ErrClosed
	}
	_, err := x.tableWithRoom(s, 0, len(s.views))
	return err
}

func (x *Index) check(vector []float32) error {
	if len(vector) != x.layout.dimensions {
		return fmt.Errorf("%d values, want %d", len(vector), x.layout.dimensions)
	}
	square := 0.0
	for i, value := range vector {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("value %d is %v, want a finite number", i, value)
		}
		square += float64(value) * float64(value)
	}
	if length := math.Sqrt(square); math.Abs(length-1) > Tolerance {
		return fmt.Errorf("length is %.6g, want 1", length)
	}
	return nil
}
