package eighth

// coder is a component with what its blocks need.
type coder struct {
	*component
	dc       *codes
	ac       *codes
	skips    *skips   // nil for square ones
	weights  *weights // for square ones
	quantum  int64    // of DC
	previous int32    // DC of the block before
	row      []byte
}

func (p *parser) readSequential(s scan) error {
	d := p.decoder
	if d.frame.decoded || len(s.components) != len(d.frame.components) || s.first != 0 || s.last != 63 || s.high != 0 || s.low != 0 {
		return refuse("not a single scan")
	}
	coders, err := d.newCoders(s)
	if err != nil {
		return err
	}
	d.frame.decoded = true
	d.startRows()
	d.stream.begin(p.bytes, uint(p.at))
	left := restarts{interval: p.interval}
	for row := range d.frame.mcusHigh {
		for column := range d.frame.mcusWide {
			again, ok := left.step(&d.stream)
			if again {
				for i := range coders {
					coders[i].previous = 0
				}
			}
			if !ok || !d.stream.ready() {
				return refuse("damaged between MCUs")
			}
			for i := range coders {
				if !coders[i].mcu(&d.stream, column) {
					return refuse("damaged in an MCU")
				}
			}
		}
		d.finishRow(row)
	}
	return p.endScan()
}

// endScan goes behind the data of a scan, to the marker.
func (p *parser) endScan() error {
	if !p.decoder.stream.atEnd() {
		return refuse("a scan with too little data or too much")
	}
	p.at = int(p.decoder.stream.next) - 2
	return nil
}

func (d *Decoder) newCoders(s scan) ([]coder, error) {
	coders := make([]coder, len(s.components))
	for i, from := range s.components {
		c := &coders[i]
		c.component = &d.frame.components[from.index]
		var err error
		if c.dc, err = d.tables.codes(from.dc, true); err != nil {
			return nil, err
		}
		if c.ac, err = d.tables.codes(from.ac, false); err != nil {
			return nil, err
		}
		c.quantum = int64(c.component.quantum[0])
		if c.square {
			c.weights = newWeights(c.component.quantum)
		} else if c.skips, err = d.tables.skips(from.ac); err != nil {
			return nil, err
		}
		d.rows[from.index] = grow(d.rows[from.index], c.stride*c.rowsOfMCU())
		c.row = d.rows[from.index]
	}
	return coders, nil
}

// rowsOfMCU is how many rows of pixels an MCU has.
func (c *component) rowsOfMCU() int {
	if c.square {
		return 2 * c.vertical
	}
	return c.vertical
}

func (c *coder) mcu(s *stream, column int) bool {
	if c.square {
		return c.squareMCU(s, column)
	}
	for y := range c.vertical {
		for x := range c.horizontal {
			difference, ok := s.skimBlock(c.dc, c.skips, c.ac)
			c.previous += difference
			dc := int64(c.previous) * c.quantum
			if !ok || !plausible(dc) {
				return false
			}
			c.row[y*c.stride+column*c.horizontal+x] = flat(dc)
		}
	}
	return true
}

func (c *coder) squareMCU(s *stream, column int) bool {
	var sums sums
	difference, ok := s.squareBlock(c.dc, c.ac, c.weights, &sums)
	c.previous += difference
	dc := int64(c.previous) * c.quantum
	if !ok || !plausible(dc) {
		return false
	}
	return c.putSquare(column, &sums, dc)
}

func (c *coder) putSquare(column int, sums *sums, dc int64) bool {
	pixels, ok := sums.square(dc)
	copy(c.row[2*column:], pixels[:2])
	copy(c.row[c.stride+2*column:], pixels[2:])
	return ok
}

// restarts counts MCUs, or blocks, between restart markers.
type restarts struct {
	interval, done int
	index          byte // of the next marker
}

// step is before each MCU; again is true when prediction begins anew.
func (r *restarts) step(s *stream) (again, ok bool) {
	if r.interval == 0 || r.done < r.interval {
		r.done++
		return false, true
	}
	if !s.atEnd() || s.marker != markerRestart+r.index {
		return false, false
	}
	s.restart()
	r.index = (r.index + 1) & 7
	r.done = 1
	return true, true
}
