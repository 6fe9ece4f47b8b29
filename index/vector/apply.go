package vector

import (
	"fmt"

	"vsed/index/vector/kernel"
)

// Apply stores a batch: it puts rows, in place of those that their ids had, and
// removes the rows of other ids. It is all or nothing, also when the process is
// killed meanwhile, and change is stored with it. Of an id that is put twice the
// last vector counts; one that is both put and removed is put.
//
// A vector that is of another length, not finite or not of unit length is
// refused: its id then has no row, the rest is applied, and the error is a
// *RefusedError.
func (x *Index) Apply(put []Vector, remove []int64, change int64) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	s := x.current.Load()
	if s == nil {
		return ErrClosed
	}
	if x.lost {
		x.lost = false
		return fmt.Errorf("%w: %w", ErrLost, x.Rebuilt())
	}
	b := &batch{x: x, before: s, change: change, views: append([]view(nil), s.views...), tail: x.tail, killed: make(map[int][]uint16), grown: make(map[int]bool)}
	b.sift(put)
	if err := b.append(); err != nil {
		return x.report(fmt.Errorf("vector index %s: write rows: %w", x.dir, b.abandon(err)))
	}
	if err := b.kill(remove); err != nil {
		return x.report(b.abandon(err))
	}
	if err := b.commit(); err != nil {
		return fmt.Errorf("vector index %s: write the log: %w", x.dir, b.abandon(err))
	}
	x.nudge()
	if len(b.refused) > 0 {
		return &RefusedError{b.refused}
	}
	return nil
}

// A batch is an Apply under way.
type batch struct {
	x       *Index
	before  *snapshot
	change  int64
	put     []Vector // of distinct ids
	refused map[int64]error

	views   []view // as they will be
	tail    int
	created []*segment // held
	grown   map[int]bool
	killed  map[int][]uint16
	at      []address // of the rows that were put
	old     []address // of those they replace; none: there is none
}

const none = ^address(0)

// sift takes the last vector of each id, and leaves out what is refused.
func (b *batch) sift(put []Vector) {
	last := make(map[int64]int, len(put))
	for i, v := range put {
		last[v.ID] = i
	}
	for i, v := range put {
		if last[v.ID] != i {
			continue
		}
		if err := b.x.check(v.Values); err != nil {
			if b.refused == nil {
				b.refused = make(map[int64]error)
			}
			b.refused[v.ID] = err
			continue
		}
		b.put = append(b.put, v)
	}
}

// append writes the rows behind those that count.
func (b *batch) append() error {
	a := b.x.appender
	for i, v := range b.put {
		if b.tail < 0 || b.views[b.tail].rows == segmentRows {
			if err := b.grow(b.put[i:]); err != nil {
				return err
			}
			a.waiting = 0
		}
		tail := &b.views[b.tail]
		if i == 0 || a.segment != tail.segment {
			a.aim(tail.segment, b.x.rotation, tail.rows)
		}
		toHalves(v.Values, a.slot())
		if err := a.add(v.ID); err != nil {
			return err
		}
		b.at = append(b.at, addressOf(b.tail, tail.rows))
		tail.rows++
		b.grown[b.tail] = true
	}
	return a.flush()
}

func toHalves(values []float32, into []uint16) {
	for i, value := range values {
		into[i] = kernel.ToHalf(value)
	}
}

// grow begins a new last segment, around the centre of the rows so far, else of
// those to come.
func (b *batch) grow(coming []Vector) error {
	rows, err := sample(b.before.views, basisMost)
	if err != nil {
		return err
	}
	for _, v := range coming[:min(len(coming), basisMost-len(rows))] {
		half := make([]uint16, len(v.Values))
		toHalves(v.Values, half)
		rows = append(rows, half)
	}
	created, err := createSegment(b.x.dir, b.x.next, b.x.layout, fit(b.x.rotation, rows))
	if err != nil {
		return err
	}
	b.x.next++
	b.created = append(b.created, created)
	b.views, b.tail = place(b.views, view{segment: created})
	return nil
}

// place puts a view where one is free, else at the end.
func place(views []view, v view) ([]view, int) {
	for i := range views {
		if views[i].segment == nil {
			views[i] = v
			return views, i
		}
	}
	return append(views, v), len(views)
}

// kill notes the rows that the batch ends: those of ids that are put again,
// removed or refused.
func (b *batch) kill(remove []int64) error {
	t, err := b.x.tableWithRoom(b.before, len(b.put), len(b.views))
	if err != nil {
		return err
	}
	end := func(id int64) address {
		at, ok := t.find(b.before, id)
		if !ok {
			return none
		}
		b.killed[at.view()] = append(b.killed[at.view()], uint16(at.row()))
		return at
	}
	for _, v := range b.put {
		b.old = append(b.old, end(v.ID))
	}
	for _, id := range remove {
		end(id)
	}
	for id := range b.refused {
		end(id)
	}
	return nil
}

// commit makes the batch count.
func (b *batch) commit() error {
	r := record{change: b.change}
	for i := range b.views {
		if dead := b.killed[i]; dead != nil || b.grown[i] {
			b.views[i] = b.views[i].kill(dead)
			r.states = append(r.states, state{b.views[i].number, uint32(b.views[i].rows), dead})
		}
	}
	x := b.x
	if err := x.journal.append(r); err != nil {
		return err
	}
	x.mutex.Lock()
	for i, v := range b.put {
		if b.old[i] == none {
			x.table.add(v.ID, b.at[i])
		} else {
			x.table.move(v.ID, b.old[i], b.at[i])
		}
	}
	x.publish(b.views, b.change)
	x.mutex.Unlock()
	x.tail = b.tail
	for _, s := range b.created {
		s.release()
	}
	x.renewLog()
	return nil
}

// renewLog replaces a log that has grown. The batch counts already: where there
// is no room for a fresh log the old one goes on, and how the old one closes no
// longer matters.
func (x *Index) renewLog() {
	if !x.journal.grown() {
		return
	}
	fresh, err := startLog(x.dir, x.layout.dimensions, wholeRecord(x.current.Load()))
	if err != nil {
		return
	}
	_ = x.journal.close()
	x.journal = fresh
}

// abandon removes what the batch made, and returns the error.
func (b *batch) abandon(err error) error {
	b.x.appender.waiting = 0
	for _, s := range b.created {
		s.remove()
		s.release()
	}
	return err
}

// tableWithRoom is the index's table, with room for so many more rows, in so
// many views. The caller holds writing.
func (x *Index) tableWithRoom(s *snapshot, more, views int) (*table, error) {
	if x.table == nil || x.table.full(more, views) {
		fresh, err := tableOf(s, more)
		if err != nil {
			return nil, err
		}
		x.mutex.Lock()
		x.table = fresh
		x.mutex.Unlock()
	}
	return x.table, nil
}

// sample gives about so many of the live float16 rows of the views, the newest
// segment's first. They are the segments' own memory.
func sample(views []view, most int) (rows [][]uint16, err error) {
	for i := len(views) - 1; i >= 0 && len(rows) < most; i-- {
		v := views[i]
		if v.segment == nil {
			continue
		}
		if err := v.intact(v.rows); err != nil {
			return nil, err
		}
		step := max(1, v.rows/(most-len(rows)))
		for row := 0; row < v.rows && len(rows) < most; row += step {
			if !v.dead.has(row) {
				rows = append(rows, v.half(row))
			}
		}
	}
	return rows, nil
}
