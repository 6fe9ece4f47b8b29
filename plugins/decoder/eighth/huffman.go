package eighth

import "bytes"

const (
	lookBits = 10 // of codes; nearly all that occur are shorter
	skipBits = 14 // of several symbols at once
)

// codes decodes one symbol at a time.
//
// An entry of look is, from the lowest bits: 5 for how many bits code and value
// take together, 4 for the value's bits, 4 for the run of zeros before it. Zero
// is a code that is longer or none.
type codes struct {
	look   [1 << lookBits]uint16
	limits [17]uint32 // first code, left-justified to 16 bits, beyond those of a length
	offset [17]int32  // from code to index of the symbol
	symbol [256]byte
}

// skips decodes as many whole symbols as 14 bits hold, for their lengths only.
//
// An entry is, from the lowest bits: 6 for how many bits they take, 8 for how
// many coefficients they stand for. The end of the block counts as blockEnd more;
// hard entries, of a symbol that does not fit or is none, take no bits.
type skips [1 << skipBits]uint16

const (
	skipShift  = 6 // a processor shifts by the lowest 6 bits of a number
	skipLength = 1<<skipShift - 1
	blockEnd   = 128
	hard       = 255 << skipShift
)

// newCodes refuses what libjpeg refuses. DC symbols are the value's length alone.
func newCodes(table []byte, isDC bool) (*codes, error) {
	if table == nil {
		return nil, refuse("no Huffman table")
	}
	c := &codes{}
	copy(c.symbol[:], table[16:])
	code, index := uint32(0), int32(0)
	for length := 1; length <= 16; length++ {
		count := uint32(table[length-1])
		if code+count > 1<<length {
			return nil, refuse("a damaged Huffman table")
		}
		c.offset[length] = index - int32(code)
		for range count {
			if isDC && c.symbol[index] > 15 {
				return nil, refuse("a damaged Huffman table")
			}
			if length <= lookBits {
				c.fillLook(code, length, c.symbol[index])
			}
			code++
			index++
		}
		c.limits[length] = code << (16 - length)
		code <<= 1
	}
	return c, nil
}

func (c *codes) fillLook(code uint32, length int, symbol byte) {
	entry := entryOf(length, symbol)
	shift := lookBits - length
	part := c.look[code<<shift : (code+1)<<shift]
	for i := range part {
		part[i] = entry
	}
}

func entryOf(length int, symbol byte) uint16 {
	size := int(symbol & 15)
	return uint16(length + size | size<<5 | int(symbol>>4)<<9)
}

// find decodes one symbol in the 64 bits; 0 is none.
func (c *codes) find(bits uint64) uint16 {
	if entry := c.look[bits>>(64-lookBits)]; entry != 0 {
		return entry
	}
	return c.findLong(uint32(bits >> 48))
}

func (c *codes) findLong(bits uint32) uint16 {
	for length := lookBits + 1; length <= 16; length++ {
		if bits < c.limits[length] {
			index := c.offset[length] + int32(bits>>(16-length))
			return entryOf(length, c.symbol[index&255])
		}
	}
	return 0
}

// newSkips makes single steps first, then chains them.
func newSkips(c *codes) *skips {
	var single skips
	for i := range single {
		single[i] = singleSkip(c.find(uint64(i) << (64 - skipBits)))
	}
	several := &skips{}
	for i := range several {
		several[i] = chain(&single, uint32(i))
	}
	return several
}

func singleSkip(entry uint16) uint16 {
	length, size, run := entry&31, entry>>5&15, entry>>9
	switch {
	case entry == 0 || length > skipBits:
		return hard
	case size == 0 && run == 0:
		return length | blockEnd<<skipShift
	case size == 0 && run < 15:
		return hard // only progressive files have these
	}
	return length | (run+1)<<skipShift
}

// chain adds up symbols until the next is not whole or the block is over.
func chain(single *skips, bits uint32) uint16 {
	total := single[bits]
	for total>>skipShift < blockEnd {
		used := total & skipLength
		next := single[bits<<used&(1<<skipBits-1)]
		if next >= hard || used+next&skipLength > skipBits || next>>skipShift < blockEnd && total>>skipShift+next>>skipShift > 63 {
			break
		}
		total += next
	}
	return total
}

// tableCache keeps the last tables: cameras use the same ones for all photos.
type tableCache struct {
	entries [8]cachedTable
	next    int
}

type cachedTable struct {
	source []byte
	isDC   bool
	codes  *codes
	skips  *skips // made when first asked for
}

func (t *tableCache) find(source []byte, isDC bool) (*cachedTable, error) {
	for i := range t.entries {
		if e := &t.entries[i]; e.codes != nil && e.isDC == isDC && bytes.Equal(e.source, source) {
			return e, nil
		}
	}
	codes, err := newCodes(source, isDC)
	if err != nil {
		return nil, err
	}
	e := &t.entries[t.next]
	t.next = (t.next + 1) % len(t.entries)
	*e = cachedTable{source: bytes.Clone(source), isDC: isDC, codes: codes}
	return e, nil
}

func (t *tableCache) codes(source []byte, isDC bool) (*codes, error) {
	e, err := t.find(source, isDC)
	if err != nil {
		return nil, err
	}
	return e.codes, nil
}

func (t *tableCache) skips(source []byte) (*skips, error) {
	e, err := t.find(source, false)
	if err != nil {
		return nil, err
	}
	if e.skips == nil {
		e.skips = newSkips(e.codes)
	}
	return e.skips, nil
}
