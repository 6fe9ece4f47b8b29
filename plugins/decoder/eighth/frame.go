package eighth

import "encoding/binary"

// frame is the picture that the header promises.
type frame struct {
	width, height        int // reduced, in pixels
	full                 [2]int
	horizontal, vertical int // largest sampling factors
	mcusWide, mcusHigh   int
	components           []component
	decoded              bool
}

// component is luma or one of the chromas.
type component struct {
	id                   byte
	horizontal, vertical int      // sampling factors: blocks of an MCU
	square               bool     // a block gives 2 × 2 pixels, not one
	table                byte     // of quantisation
	quantum              *quantum // latched at the first scan
	stride               int      // bytes of a row of pixels, MCUs whole
}

// factor by which a row of the component's pixels is shorter than the picture's.
func (f *frame) factor(c *component) (horizontal, vertical int) {
	if c.square {
		return 1, 1
	}
	return f.horizontal / c.horizontal, f.vertical / c.vertical
}

func (p *parser) readFrame(progressive bool, segment []byte) error {
	if p.frameSeen {
		return refuse("several frames")
	}
	if len(segment) < 6 || len(segment) != 6+3*int(segment[5]) || segment[0] != 8 {
		return refuse("not 8 bits, or a damaged frame")
	}
	f := &p.decoder.frame
	f.full = [2]int{int(binary.BigEndian.Uint16(segment[3:])), int(binary.BigEndian.Uint16(segment[1:]))}
	if f.full[0] < 8 || f.full[1] < 8 || f.full[0]*f.full[1] > mostPixels {
		return refuse("a size that is unknown, small or large")
	}
	for at := 6; at < len(segment); at += 3 {
		f.components = append(f.components, component{id: segment[at], horizontal: int(segment[at+1] >> 4), vertical: int(segment[at+1] & 15), table: segment[at+2]})
	}
	if err := f.checkComponents(); err != nil {
		return err
	}
	f.measure()
	// A block takes a bit at least, so a header alone cannot claim memory.
	if f.mcusWide*f.mcusHigh > 8*len(p.bytes) {
		return refuse("more blocks than bits")
	}
	p.frameSeen = true
	if progressive {
		p.progressive = newProgressive(p.decoder)
	}
	return nil
}

func (f *frame) checkComponents() error {
	switch len(f.components) {
	case 1:
		if grey := &f.components[0]; grey.horizontal < 1 || grey.horizontal > 4 || grey.vertical < 1 || grey.vertical > 4 {
			return refuse("impossible sampling")
		}
		// Alone in its scan, a component is coded block by block whatever its factors.
		f.components[0].horizontal, f.components[0].vertical = 1, 1
	case 3:
		luma, blue, red := f.components[0], f.components[1], f.components[2]
		if luma.horizontal < 1 || luma.horizontal > 2 || luma.vertical < 1 || luma.vertical > 2 {
			return refuse("unusual sampling of luma")
		}
		if blue.horizontal != 1 || blue.vertical != 1 || red.horizontal != 1 || red.vertical != 1 {
			return refuse("unusual sampling of chroma")
		}
		if luma.id == blue.id || luma.id == red.id || blue.id == red.id || luma.id == 'R' {
			return refuse("unusual components")
		}
	default:
		return refuse("neither one nor three components")
	}
	for _, component := range f.components {
		if component.table > 3 {
			return refuse("an unusual quantisation table")
		}
	}
	return nil
}

func (f *frame) measure() {
	f.width, f.height = f.full[0]/8, f.full[1]/8
	f.horizontal, f.vertical = f.components[0].horizontal, f.components[0].vertical
	f.mcusWide, f.mcusHigh = ceil(f.full[0], 8*f.horizontal), ceil(f.full[1], 8*f.vertical)
	for i := range f.components {
		c := &f.components[i]
		c.square = i > 0 && f.horizontal == 2 && f.vertical == 2
		c.stride = f.mcusWide * c.horizontal
		if c.square {
			c.stride *= 2
		}
	}
}

func ceil(length, unit int) int { return (length + unit - 1) / unit }

// scan is the header of a scan.
type scan struct {
	components  []scanComponent
	first, last int  // coefficients, in zigzag order
	high, low   uint // bits: of the scan before, of this one
}

type scanComponent struct {
	index  int    // in the frame
	dc, ac []byte // Huffman tables, nil where the file has none
}

func (p *parser) parseScan(segment []byte) (scan, error) {
	if len(segment) < 1 || len(segment) != 4+2*int(segment[0]) || segment[0] < 1 || segment[0] > 3 {
		return scan{}, refuse("a damaged scan header")
	}
	f := &p.decoder.frame
	var s scan
	least := 0 // components stand in the order of the frame
	for at := 1; at+3 < len(segment); at += 2 {
		index := f.find(segment[at], least)
		if index < 0 || segment[at+1]>>4 > 3 || segment[at+1]&15 > 3 {
			return scan{}, refuse("an unusual scan header")
		}
		least = index + 1
		c := &f.components[index]
		if c.quantum == nil {
			c.quantum = p.quanta[c.table]
		}
		if c.quantum == nil {
			return scan{}, refuse("no quantisation table")
		}
		s.components = append(s.components, scanComponent{index, p.huffman[0][segment[at+1]>>4], p.huffman[1][segment[at+1]&15]})
	}
	rest := segment[len(segment)-3:]
	s.first, s.last, s.high, s.low = int(rest[0]), int(rest[1]), uint(rest[2]>>4), uint(rest[2]&15)
	return s, nil
}

func (f *frame) find(id byte, least int) int {
	for i := least; i < len(f.components); i++ {
		if f.components[i].id == id {
			return i
		}
	}
	return -1
}
