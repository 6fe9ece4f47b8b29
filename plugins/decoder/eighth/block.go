package eighth

import "encoding/binary"

// skimBlock decodes the difference of the block's DC coefficient and skips the
// others. Everything is in local variables, as this is where the time goes.
func (s *stream) skimBlock(dc *codes, ac *skips, single *codes) (int32, bool) {
	bits, count, at := s.bits, s.count, s.at
	bits |= binary.BigEndian.Uint64(s.data[at:]) >> (count & 63)
	at += int((63 - count) >> 3)
	count |= 56
	entry := dc.look[bits>>(64-lookBits)]
	if entry == 0 {
		if entry = dc.findLong(uint32(bits >> 48)); entry == 0 {
			return 0, false
		}
	}
	total, size := uint(entry&31), uint(entry>>5&15)
	difference := valueOf(bits<<((total-size)&63), size)
	bits <<= total
	count -= total

	position := uint(1)
	var skip uint
	for {
		bits |= binary.BigEndian.Uint64(s.data[at:]) >> (count & 63)
		at += int((63 - count) >> 3)
		count |= 56
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 15
		count -= skip & 15
		position += skip >> 4
		if position >= 64 {
			break
		}
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 15
		count -= skip & 15
		position += skip >> 4
		if position >= 64 {
			break
		}
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 15
		count -= skip & 15
		position += skip >> 4
		if position >= 64 {
			break
		}
	}
	if position == 64 || position > blockEnd && position < blockEnd+64 {
		s.bits, s.count, s.at = bits, count, at
		return difference, true
	}
	// The last step led out of the block or was none: back, and on symbol by symbol.
	s.seek(8*at - int(count+skip&15))
	return difference, s.skipRest(single, position-skip>>4)
}

// seek goes to a bit of data.
func (s *stream) seek(bit int) {
	part := uint(bit & 7)
	s.bits = binary.BigEndian.Uint64(s.data[bit>>3:]) << part
	s.count = 56 - part
	s.at = bit>>3 + 7
}

// skipRest skips from a position to the end of the block.
func (s *stream) skipRest(ac *codes, position uint) bool {
	for position < 64 {
		_, run, size, ok := s.symbol(ac)
		switch {
		case !ok || size == 0 && run != 0 && run != 15:
			return false
		case size == 0 && run == 0:
			return true
		}
		position += run + 1
	}
	return position == 64
}

// squareBlock decodes what 2 × 2 pixels need: the difference of DC, and what the
// other coefficients add, into the sums.
func (s *stream) squareBlock(dc, ac *codes, w *weights, sums *sums) (int32, bool) {
	difference, _, _, ok := s.symbol(dc)
	if !ok {
		return 0, false
	}
	*sums = [24]int64{}
	for position := uint(1); position < 64; position++ {
		value, run, size, ok := s.symbol(ac)
		if !ok {
			return 0, false
		}
		if size == 0 {
			if run == 0 {
				break
			}
			if run != 15 {
				return 0, false
			}
		}
		position += run
		if position > 63 {
			return 0, false
		}
		if !sums.add(w, position, value) {
			return 0, false
		}
	}
	return difference, true
}
