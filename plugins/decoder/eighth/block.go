package eighth

// skimBlock decodes the difference of the block's DC coefficient and skips the
// others. Everything is in local variables, as this is where the time goes.
func (s *stream) skimBlock(dc *codes, ac *skips, single *codes) (int32, bool) {
	bits, count, at := s.bits, s.count, s.at
	bits |= s.load(at) >> (count & 63)
	at += (63 - count) >> 3
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

	sum := uint(1) << skipShift // of entries: positions above, bits used below
	var skip uint
	for {
		count -= sum & skipLength
		sum &^= skipLength
		bits |= s.load(at) >> (count & 63)
		at += (63 - count) >> 3
		count |= 56
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 63
		if sum += skip; sum >= 64<<skipShift {
			break
		}
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 63
		if sum += skip; sum >= 64<<skipShift {
			break
		}
		skip = uint(ac[bits>>(64-skipBits)])
		bits <<= skip & 63
		if sum += skip; sum >= 64<<skipShift {
			break
		}
	}
	count -= sum & skipLength
	if position := sum >> skipShift; position == 64 || position-blockEnd-1 < 63 {
		s.bits, s.count, s.at = bits, count, at
		return difference, true
	}
	// The last step led out of the block or was none: back, and on symbol by symbol.
	s.seek(8*at - count - skip&skipLength)
	return difference, s.skipRest(single, (sum-skip)>>skipShift)
}

// seek goes to a bit of data.
func (s *stream) seek(bit uint) {
	part := bit & 7
	s.bits = s.load(bit>>3) << part
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
// other coefficients add, into the sums, which are zero.
func (s *stream) squareBlock(dc, ac *codes, w *weights, sums *sums) (int32, bool) {
	difference, _, _, ok := s.symbol(dc)
	if !ok {
		return 0, false
	}
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
