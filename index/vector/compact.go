package vector

import "context"

const (
	// deadShare is the part of a segment's rows, one in so many, that may be dead
	// before it is copied.
	deadShare = 4
	// firstJudged is the number of rows at which a centre is first judged; then it
	// is at each doubling.
	firstJudged = 256
	// poor is how much longer residuals may be than around a fresh centre.
	poor = 1.15
	// lastRows is the number of rows that are left for the last round of a
	// compaction, in which Apply waits.
	lastRows = 512
)

// compactAll does all the work that there is.
func (x *Index) compactAll(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := x.acquire()
		if err != nil {
			return nil // closed
		}
		from, err := x.choose(s)
		if err == nil && len(from) > 0 {
			err = x.compact(ctx, s, from)
		}
		s.release()
		if err != nil || len(from) == 0 {
			return err
		}
	}
	return nil
}

// choose gives the places of the views that should become one segment: one with
// many dead rows or a poor centre, or two that fit into one.
func (x *Index) choose(s *snapshot) ([]int, error) {
	x.writing.Lock()
	tail := x.tail
	x.writing.Unlock()
	small, smallRows := -1, 0
	for i, v := range s.views {
		if v.segment == nil || v.rows == 0 {
			continue
		}
		if v.deaths*deadShare >= v.rows {
			return []int{i}, nil
		}
		if bad, err := x.poor(v); bad || err != nil {
			return []int{i}, err
		}
		if i == tail {
			continue // it is still growing
		}
		if small >= 0 && smallRows+v.live() <= segmentRows {
			return []int{small, i}, nil
		}
		if small < 0 || v.live() < smallRows {
			small, smallRows = i, v.live()
		}
	}
	return nil, nil
}

// poor judges the centre of a segment that has doubled since it was last judged.
func (x *Index) poor(v view) (bool, error) {
	if v.rows < max(firstJudged, 2*v.judged) {
		return false, nil
	}
	v.judged = v.rows
	rows, err := sample([]view{v}, basisMost)
	if err != nil || len(rows) < basisLeast {
		return false, err
	}
	stored, fresh := newCoder(x.rotation, v.centre), newCoder(x.rotation, fit(x.rotation, rows))
	var now, then float64
	coded := make([]byte, x.layout.width)
	for _, row := range rows {
		_, radius := stored.encode(row, coded)
		now += float64(radius)
		_, radius = fresh.encode(row, coded)
		then += float64(radius)
	}
	return now > poor*then, nil
}

// A compaction copies the live rows of some views into a fresh segment.
type compaction struct {
	x    *Index
	from []source
	to   *segment // held; nil: there is nothing to copy
	into *appender
}

// A source is a view that is copied.
type source struct {
	place   int
	segment *segment
	done    int // rows that were looked at
	// moved has the new rows of those that were copied, by old row; -1: not copied.
	moved []int32
}

func (x *Index) compact(ctx context.Context, s *snapshot, places []int) error {
	c := &compaction{x: x}
	var views []view
	for _, place := range places {
		v := s.views[place]
		views = append(views, v)
		c.from = append(c.from, source{place: place, segment: v.segment})
	}
	err := c.create(views)
	if err == nil {
		err = c.copyAll(ctx, s)
	}
	if err == nil {
		err = c.finish()
	}
	if c.to != nil {
		if err != nil {
			c.to.remove()
		}
		c.to.release()
	}
	return err
}

func (c *compaction) create(views []view) error {
	rows, err := sample(views, basisMost)
	if err != nil {
		return err
	}
	c.x.writing.Lock()
	number := c.x.next
	c.x.next++
	c.x.writing.Unlock()
	c.to, err = createSegment(c.x.dir, number, c.x.layout, fit(c.x.rotation, rows))
	if err != nil {
		return err
	}
	c.into = newAppender(c.x.layout)
	c.into.aim(c.to, c.x.rotation, 0)
	return nil
}

// copyAll copies until few rows are left that came meanwhile.
func (c *compaction) copyAll(ctx context.Context, s *snapshot) error {
	for {
		if err := c.copyFrom(ctx, s); err != nil {
			return err
		}
		now, err := c.x.acquire()
		if err != nil {
			return err
		}
		left := 0
		for _, from := range c.from {
			left += now.views[from.place].rows - from.done
		}
		if left <= lastRows {
			now.release()
			return nil
		}
		err = c.copyFrom(ctx, now)
		now.release()
		if err != nil {
			return err
		}
	}
}

// copyFrom copies what the snapshot has beyond what was copied.
func (c *compaction) copyFrom(ctx context.Context, s *snapshot) error {
	for i := range c.from {
		if err := c.copyView(ctx, &c.from[i], s.views[c.from[i].place]); err != nil {
			return err
		}
	}
	return c.into.flush()
}

func (c *compaction) copyView(ctx context.Context, from *source, v view) error {
	if err := v.intact(v.rows); err != nil {
		return err
	}
	for ; from.done < v.rows; from.done++ {
		row := from.done
		if row%blockRows == 0 || len(from.moved) == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := v.checkHalves(row / blockRows); err != nil {
				return err
			}
		}
		from.moved = append(from.moved, -1)
		if v.dead.has(row) {
			continue
		}
		from.moved[row] = int32(c.into.rows)
		copy(c.into.slot(), v.half(row))
		if err := c.into.add(v.id(row)); err != nil {
			return err
		}
	}
	return nil
}

// finish copies the rows that are left and makes the fresh segment count in
// place of the others.
func (c *compaction) finish() error {
	x := c.x
	x.writing.Lock()
	defer x.writing.Unlock()
	s := x.current.Load()
	if s == nil {
		return ErrClosed
	}
	if err := c.copyFrom(context.Background(), s); err != nil {
		return err
	}
	views := append([]view(nil), s.views...)
	to, wasTail := view{segment: c.to, rows: c.into.rows}, false
	r := record{change: s.change}
	var dead []uint16
	for _, from := range c.from {
		v := s.views[from.place]
		dead = append(dead, from.diedSince(v)...)
		r.gone = append(r.gone, v.number)
		views[from.place] = view{}
		wasTail = wasTail || from.place == x.tail
	}
	to = to.kill(dead)
	at := -1
	if to.live() > 0 || wasTail {
		views, at = place(views, to)
		r.states = append(r.states, state{c.to.number, uint32(to.rows), dead})
	} else {
		c.to.remove()
	}
	t, err := x.tableWithRoom(s, 0, len(views))
	if err != nil {
		return err
	}
	if err := x.journal.append(r); err != nil {
		return err
	}
	x.mutex.Lock()
	c.moveIDs(t, s, at)
	x.publish(views, s.change)
	x.mutex.Unlock()
	for _, from := range c.from {
		from.segment.remove()
	}
	if wasTail {
		x.tail = at
	}
	x.renewLog()
	return nil
}

// diedSince gives the new places of the rows that have died since they were
// copied.
func (from *source) diedSince(v view) (rows []uint16) {
	for row, moved := range from.moved {
		if moved >= 0 && v.dead.has(row) {
			rows = append(rows, uint16(moved))
		}
	}
	return rows
}

// moveIDs brings the table to the new places of the rows that live.
func (c *compaction) moveIDs(t *table, s *snapshot, at int) {
	for _, from := range c.from {
		v := s.views[from.place]
		for row, moved := range from.moved {
			if moved >= 0 && !v.dead.has(row) {
				t.move(v.id(row), addressOf(from.place, row), addressOf(at, int(moved)))
			}
		}
	}
}
