package vector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

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

// Open opens the index in the folder dir, or makes one, folder and all. One that
// is damaged, of another version or of other dimensions is emptied; Rebuilt
// tells. An index that another process has open, or that the machine cannot
// read, is an error.
//
// Open takes the same time whatever the index holds: sums are checked later,
// each before its rows are first used and in the background.
func Open(dir string, dimensions int, options Options) (*Index, error) {
	if dimensions < 1 || dimensions > MaxDimensions {
		return nil, fmt.Errorf("vector index: %d dimensions, want 1 to %d", dimensions, MaxDimensions)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("vector index: %w", err)
	}
	r := newRotation(dimensions)
	x := &Index{
		dir: dir, rotation: r, layout: newLayout(dimensions, r.width), threads: max(1, options.Threads), kernel: kernel.Best(), looseness: 1,
		wake: make(chan struct{}, 1), lostToken: make(chan struct{}, 1), done: make(chan struct{}),
	}
	x.appender = newAppender(x.layout)
	err := x.takeLock()
	if err == nil {
		err = x.load()
	}
	if err != nil {
		return nil, fmt.Errorf("vector index %s: %w", dir, errors.Join(err, x.lock.Close()))
	}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	go x.maintain(ctx)
	return x, nil
}

func (x *Index) takeLock() (err error) {
	if x.lock, err = os.OpenFile(filepath.Join(x.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(x.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("in use by another process; stop that one or choose another state folder: %w", err)
	}
	return nil
}

// load takes what the folder holds, or starts anew.
func (x *Index) load() error {
	err := x.loadFiles()
	if errors.Is(err, fs.ErrNotExist) {
		return x.startAnew(nil)
	}
	if err != nil && isDamage(err) {
		return x.startAnew(err)
	}
	return err
}

func (x *Index) loadFiles() error {
	records, err := readLog(x.dir, x.layout.dimensions)
	if err != nil {
		return err
	}
	views, change, err := x.replay(records)
	if err != nil {
		releaseViews(views)
		return err
	}
	x.publish(views, change)
	releaseViews(views)
	x.tail = -1
	used := make(map[uint32]bool)
	for i, v := range views {
		used[v.number] = true
		if v.number >= x.next {
			x.next, x.tail = v.number+1, i
		}
	}
	if err := removeSegments(x.dir, used); err != nil {
		return errors.Join(err, x.drop())
	}
	if x.journal, err = startLog(x.dir, x.layout.dimensions, wholeRecord(x.current.Load())); err != nil {
		return errors.Join(err, x.drop())
	}
	return nil
}

// replay opens the segments of the state that the records lead to.
func (x *Index) replay(records []record) (views []view, change int64, err error) {
	order, rows, dead := []uint32(nil), make(map[uint32]int), make(map[uint32][]uint16)
	for _, one := range records {
		change = one.change
		for _, s := range one.states {
			if _, known := rows[s.number]; !known {
				order = append(order, s.number)
			}
			rows[s.number] = int(s.rows)
			dead[s.number] = append(dead[s.number], s.dead...)
		}
		for _, number := range one.gone {
			delete(rows, number)
			delete(dead, number)
		}
	}
	for _, number := range order {
		count, ok := rows[number]
		if !ok {
			continue
		}
		delete(rows, number)
		v := view{rows: count}
		for _, row := range dead[number] {
			if int(row) >= count {
				return views, 0, &damage{fmt.Errorf("its log names row %d of %d", row, count)}
			}
		}
		if count > segmentRows {
			return views, 0, &damage{fmt.Errorf("its log has a segment of %d rows", count)}
		}
		if v.segment, err = openSegment(x.dir, number, x.layout, count); err != nil {
			return views, 0, err
		}
		views = append(views, v.kill(dead[number]))
	}
	return views, change, nil
}

// releaseViews gives up the holds that opening gave.
func releaseViews(views []view) {
	for _, v := range views {
		v.release()
	}
}

// startAnew empties the folder.
func (x *Index) startAnew(why error) error {
	if err := removeFiles(x.dir); err != nil {
		return err
	}
	journal, err := startLog(x.dir, x.layout.dimensions, record{})
	if err != nil {
		return err
	}
	x.journal, x.tail = journal, -1
	x.publish(nil, 0)
	if why != nil {
		x.rebuilt.Store(&damage{why})
	}
	return nil
}

// wholeRecord is the state of the snapshot.
func wholeRecord(s *snapshot) record {
	r := record{change: s.change}
	for _, v := range s.views {
		if v.segment != nil {
			r.states = append(r.states, state{v.number, uint32(v.rows), v.deadRows()})
		}
	}
	return r
}

// publish makes a new snapshot the current one. The caller holds writing and
// mutex, or is alone.
func (x *Index) publish(views []view, change int64) {
	old := x.current.Swap(newSnapshot(views, change))
	if old != nil {
		old.release()
	}
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
	scores := make(map[int64]float64, len(at))
	for id, place := range at {
		v, score := s.views[place.view()], make([]float64, 1)
		if err := v.trusted(place.row()); err != nil {
			return nil, x.report(err)
		}
		x.kernel.Score(v.memory, []uint64{v.halfPlace(place.row())}, query, score)
		scores[id] = score[0]
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
