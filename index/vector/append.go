package vector

// stageRows is the number of rows that are written in one go, and held for it:
// 100 kB at 512 dimensions.
const stageRows = 64

// An appender writes rows behind those that a segment has. Nobody sees them
// before a snapshot counts them. It belongs to one goroutine.
type appender struct {
	segment *segment
	coder   *coder
	rows    int // in the segment, with those that wait
	waiting int

	ids     []int64
	sums    [][2]uint32
	offsets []float32
	radii   []float32
	coded   []byte
	halves  []uint16
}

func newAppender(l layout) *appender {
	return &appender{
		ids: make([]int64, stageRows), sums: make([][2]uint32, stageRows), offsets: make([]float32, stageRows), radii: make([]float32, stageRows),
		coded: make([]byte, stageRows*l.width), halves: make([]uint16, stageRows*l.dimensions),
	}
}

// aim makes the appender write behind the rows of the segment.
func (a *appender) aim(s *segment, r *rotation, rows int) {
	if a.segment != s {
		a.segment, a.coder = s, newCoder(r, s.centre)
	}
	a.rows, a.waiting = rows, 0
}

// slot is where the caller writes the next row in float16, before add.
func (a *appender) slot() []uint16 {
	dimensions := a.segment.dimensions
	return a.halves[a.waiting*dimensions:][:dimensions]
}

// add takes the row in the slot, for which the segment has room.
func (a *appender) add(id int64) error {
	i, s := a.waiting, a.segment
	half, coded := a.slot(), a.coded[a.waiting*s.width:][:s.width]
	a.ids[i] = id
	a.offsets[i], a.radii[i] = a.coder.encode(half, coded)
	a.sums[i] = rowSums(s.number, a.rows, id, a.offsets[i], a.radii[i], coded, asBytes(half))
	a.waiting++
	a.rows++
	if a.waiting == stageRows || a.rows%blockRows == 0 {
		return a.flush()
	}
	return nil
}

// flush writes the rows that wait; they are in one block.
func (a *appender) flush() error {
	if a.waiting == 0 {
		return nil
	}
	n, s := a.waiting, a.segment
	first := a.rows - n
	block, row := first/blockRows, first%blockRows
	a.waiting = 0
	for _, part := range []struct {
		offset, size int
		bytes        []byte
	}{
		{0, 8, asBytes(a.ids[:n])},
		{s.sums, 8, asBytes(a.sums[:n])},
		{s.offsets, 4, asBytes(a.offsets[:n])},
		{s.radii, 4, asBytes(a.radii[:n])},
		{s.layout.rows, s.width, a.coded[:n*s.width]},
		{s.halves, 2 * s.dimensions, asBytes(a.halves[:n*s.dimensions])},
	} {
		if _, err := s.file.WriteAt(part.bytes, int64(s.header+block*s.block+part.offset+row*part.size)); err != nil {
			return err
		}
	}
	return nil
}
