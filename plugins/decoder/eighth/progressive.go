package eighth

import "bytes"

// mostScans is far above what encoders write; a thousand scans of nearly nothing
// would take minutes.
const mostScans = 100

// progressive holds what the scans of a progressive file have brought so far. AC
// scans of components that give one pixel a block are not read at all.
type progressive struct {
	decoder *Decoder
	dc      [3][]int16  // a block each, rows of whole MCUs
	ac      [3][]int16  // 64 coefficients a block, in zigzag order; square ones only
	missing [3][64]int8 // lowest bits of coefficients that are still to come; 16 is all
	scans   int
}

func newProgressive(d *Decoder) *progressive {
	p := &progressive{decoder: d}
	for i := range p.missing {
		for k := range p.missing[i] {
			p.missing[i][k] = 16
		}
	}
	return p
}

func (p *progressive) read(from *parser, s scan) error {
	if err := p.check(s); err != nil {
		return err
	}
	for _, c := range s.components {
		if p.dc[c.index] == nil {
			p.dc[c.index] = make([]int16, p.blocks(c.index))
		}
	}
	c := s.components[0]
	if s.first == 0 {
		return p.readDC(from, s)
	}
	codes, err := p.decoder.tables.codes(c.ac, false)
	if err != nil {
		return err
	}
	if !p.decoder.frame.components[c.index].square {
		return from.skipScan()
	}
	if p.ac[c.index] == nil {
		p.ac[c.index] = make([]int16, 64*p.blocks(c.index))
	}
	return p.readAC(from, s, codes)
}

// check refuses scans that do not continue those before exactly.
func (p *progressive) check(s scan) error {
	p.scans++
	if p.scans > mostScans || s.last > 63 || s.first > s.last || s.low > 13 || s.high != 0 && s.high != s.low+1 {
		return refuse("an unusual progressive scan")
	}
	if s.first == 0 && s.last != 0 || s.first > 0 && len(s.components) != 1 {
		return refuse("a progressive scan of DC and AC")
	}
	for _, c := range s.components {
		missing := &p.missing[c.index]
		if s.first > 0 && missing[0] == 16 {
			return refuse("AC before DC")
		}
		for k := s.first; k <= s.last; k++ {
			if s.high == 0 && missing[k] != 16 || s.high != 0 && missing[k] != int8(s.high) {
				return refuse("progressive scans out of order")
			}
			missing[k] = int8(s.low)
		}
	}
	return nil
}

func (p *progressive) blocks(index int) int {
	f, c := &p.decoder.frame, &p.decoder.frame.components[index]
	return f.mcusWide * f.mcusHigh * c.horizontal * c.vertical
}

// skipScan goes to the next marker that ends a scan.
func (p *parser) skipScan() error {
	for {
		next := bytes.IndexByte(p.bytes[p.at:], 0xff)
		if next < 0 || p.at+next+1 >= len(p.bytes) {
			return refuse("cut off in a scan")
		}
		p.at += next
		switch marker := p.bytes[p.at+1]; {
		case marker == 0 || marker >= markerRestart && marker < markerStart:
			p.at += 2
		case marker == 0xff:
			p.at++
		default:
			return nil
		}
	}
}

// walk visits the blocks of a scan: those of whole MCUs where several components
// are interleaved, else only those that the picture needs.
func (p *progressive) walk(from *parser, s scan, restart func(), visit func(component, block int) bool) error {
	f, stream := &p.decoder.frame, &p.decoder.stream
	stream.begin(from.bytes, uint(from.at))
	wide, high := f.mcusWide, f.mcusHigh
	alone := len(s.components) == 1
	if c := &f.components[s.components[0].index]; alone {
		wide, high = ceil(f.full[0]*c.horizontal, 8*f.horizontal), ceil(f.full[1]*c.vertical, 8*f.vertical)
	}
	left := restarts{interval: from.interval}
	for row := range high {
		for column := range wide {
			again, ok := left.step(stream)
			if again {
				restart()
			}
			if !ok || !stream.ready() || !p.visitMCU(s, row, column, alone, visit) {
				return refuse("damaged in a progressive scan")
			}
		}
	}
	return from.endScan()
}

func (p *progressive) visitMCU(s scan, row, column int, alone bool, visit func(component, block int) bool) bool {
	f := &p.decoder.frame
	for i := range s.components {
		c := &f.components[s.components[i].index]
		wide := f.mcusWide * c.horizontal
		if alone {
			return visit(i, row*wide+column)
		}
		for y := range c.vertical {
			for x := range c.horizontal {
				if !visit(i, (row*c.vertical+y)*wide+column*c.horizontal+x) {
					return false
				}
			}
		}
	}
	return true
}

func (p *progressive) readDC(from *parser, s scan) error {
	stream := &p.decoder.stream
	if s.high != 0 {
		return p.walk(from, s, func() {}, func(component, block int) bool {
			stream.refill()
			p.dc[s.components[component].index][block] |= int16(stream.take(1) << s.low)
			return true
		})
	}
	var tables [3]*codes
	for i, c := range s.components {
		var err error
		if tables[i], err = p.decoder.tables.codes(c.dc, true); err != nil {
			return err
		}
	}
	var previous [3]int32
	return p.walk(from, s, func() { previous = [3]int32{} }, func(component, block int) bool {
		difference, _, _, ok := stream.symbol(tables[component])
		previous[component] += difference
		value := previous[component] << s.low
		p.dc[s.components[component].index][block] = int16(value)
		return ok && value == int32(int16(value)) && previous[component] == int32(int16(previous[component]))
	})
}

func (p *progressive) readAC(from *parser, s scan, codes *codes) error {
	index := s.components[0].index
	b := bands{stream: &p.decoder.stream, codes: codes, first: s.first, last: s.last, low: s.low}
	decode := b.decode
	if s.high != 0 {
		decode = b.refine
	}
	return p.walk(from, s, func() { b.empty = 0 }, func(_, block int) bool {
		return decode((*[64]int16)(p.ac[index][64*block:]))
	})
}

// finish makes the pixels. Files without all coefficients are not for here, as
// libjpeg smooths them.
func (p *progressive) finish() error {
	d := p.decoder
	coders := make([]coder, len(d.frame.components))
	for i := range coders {
		if p.missing[i] != [64]int8{} {
			return refuse("not all coefficients")
		}
		c := &coders[i]
		c.component = &d.frame.components[i]
		d.rows[i] = grow(d.rows[i], c.stride*c.rowsOfMCU())
		c.row, c.quantum = d.rows[i], int64(c.component.quantum[0])
		if c.square {
			c.weights = newWeights(c.component.quantum)
		}
	}
	d.startRows()
	for row := range d.frame.mcusHigh {
		for i := range coders {
			if !p.fillRow(&coders[i], i, row) {
				return refuse("coefficients out of range")
			}
		}
		d.finishRow(row)
	}
	return nil
}

func (p *progressive) fillRow(c *coder, index, row int) bool {
	wide := p.decoder.frame.mcusWide * c.horizontal
	first := row * c.vertical * wide
	for i, value := range p.dc[index][first : first+c.vertical*wide] {
		dc := int64(value) * c.quantum
		if !plausible(dc) {
			return false
		}
		if !c.square {
			c.row[i] = flat(dc)
			continue
		}
		var sums sums
		for k, value := range p.ac[index][64*(first+i) : 64*(first+i+1)] {
			if value != 0 && !sums.add(c.weights, uint(k), int32(value)) {
				return false
			}
		}
		if !c.putSquare(i, &sums, dc) {
			return false
		}
	}
	return true
}
