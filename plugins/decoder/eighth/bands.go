package eighth

// bands decodes a scan of AC coefficients of a progressive file.
type bands struct {
	stream      *stream
	codes       *codes
	first, last int   // coefficients, in zigzag order
	low         uint  // lowest bit that the scan brings
	empty       int32 // blocks to come without anything new
}

// decode brings the first bits of a block's coefficients.
func (b *bands) decode(block *[64]int16) bool {
	if b.empty > 0 {
		b.empty--
		return true
	}
	for k := b.first; k <= b.last; k++ {
		value, run, size, ok := b.stream.symbol(b.codes)
		if !ok {
			return false
		}
		if size == 0 && run < 15 {
			b.empty = 1<<run + b.stream.take(run) - 1
			return true
		}
		k += int(run)
		if size == 0 {
			continue
		}
		value <<= b.low
		if k > b.last || value != int32(int16(value)) {
			return false
		}
		block[k] = int16(value)
	}
	return true
}

// refine brings one more bit of those that are not zero, and new ones among them.
func (b *bands) refine(block *[64]int16) bool {
	k := b.first
	for b.empty == 0 && k <= b.last {
		value, run, size, ok := b.stream.symbol(b.codes)
		if !ok || size > 1 {
			return false
		}
		if size == 0 && run < 15 {
			b.empty = 1<<run + b.stream.take(run)
			break
		}
		k = b.refineRun(block, k, int(run))
		if size == 1 {
			if k > b.last {
				return false
			}
			block[k] = int16(value << b.low)
		}
		k++
	}
	if b.empty > 0 {
		b.refineRun(block, k, 64)
		b.empty--
	}
	return true
}

// refineRun passes so many zeros, and refines what lies between; it returns where
// the next zero is.
func (b *bands) refineRun(block *[64]int16, k, zeros int) int {
	for ; k <= b.last; k++ {
		value := &block[k]
		if *value == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		b.stream.refill()
		if b.stream.take(1) == 0 || *value&(1<<b.low) != 0 {
			continue
		}
		if *value > 0 {
			*value += 1 << b.low
		} else {
			*value -= 1 << b.low
		}
	}
	return k
}
