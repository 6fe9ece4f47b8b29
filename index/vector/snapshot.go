package vector

import "sync/atomic"

// A view is a segment as a snapshot sees it. The place of a row is its view's
// place in the snapshot and its number in the segment.
type view struct {
	*segment     // nil: a place that is free
	rows     int // those behind are not there yet
	dead     *bitmap
	deaths   int // bits set in dead
}

// A bitmap has a bit for each row of a segment.
type bitmap [segmentRows / 64]uint64

func (b *bitmap) has(row int) bool { return b != nil && b[row/64]&(1<<(row%64)) != 0 }

func (v view) live() int { return v.rows - v.deaths }

// kill gives the view without those of the rows that are alive; the bitmap of
// the old view stays as it is.
func (v view) kill(rows []uint16) view {
	if len(rows) == 0 {
		return v
	}
	fresh := new(bitmap)
	if v.dead != nil {
		*fresh = *v.dead
	}
	for _, row := range rows {
		if bit := uint64(1) << (row % 64); fresh[row/64]&bit == 0 {
			fresh[row/64] |= bit
			v.deaths++
		}
	}
	v.dead = fresh
	return v
}

// deadRows lists the rows that are dead.
func (v view) deadRows() (rows []uint16) {
	for row := range v.rows {
		if v.dead.has(row) {
			rows = append(rows, uint16(row))
		}
	}
	return rows
}

// A snapshot is the index at one time. It never changes; its segments stay
// mapped while anybody holds it.
type snapshot struct {
	views  []view
	change int64
	live   int
	users  atomic.Int32
}

// newSnapshot holds the segments of the views; the caller is its first user.
func newSnapshot(views []view, change int64) *snapshot {
	s := &snapshot{views: views, change: change}
	for _, v := range views {
		if v.segment != nil {
			v.hold()
			s.live += v.live()
		}
	}
	s.users.Store(1)
	return s
}

// intact reports an error where the file of a segment has become too short.
func (s *snapshot) intact() error {
	for _, v := range s.views {
		if v.segment == nil {
			continue
		}
		if err := v.intact(v.rows); err != nil {
			return err
		}
	}
	return nil
}

// acquire reports whether the snapshot is still held by somebody, and holds it
// then.
func (s *snapshot) acquire() bool {
	for {
		users := s.users.Load()
		if users == 0 {
			return false
		}
		if s.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

func (s *snapshot) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	for _, v := range s.views {
		if v.segment != nil {
			v.release()
		}
	}
}

// An address is the place of a row in the snapshots of an index.
type address uint32

func addressOf(view, row int) address { return address(view*segmentRows + row) }

func (a address) view() int { return int(a) / segmentRows }
func (a address) row() int  { return int(a) % segmentRows }

// holds reports whether the live row of the id is at the address.
func (s *snapshot) holds(a address, id int64) bool {
	if a.view() >= len(s.views) {
		return false
	}
	v := s.views[a.view()]
	return v.segment != nil && a.row() < v.rows && !v.dead.has(a.row()) && v.id(a.row()) == id
}
