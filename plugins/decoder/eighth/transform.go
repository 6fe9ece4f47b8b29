package eighth

// Constants of libjpeg's reduced inverse DCT, in 1/8192.
const (
	constantBits = 13
	passBits     = 2
)

// oddFactors are what a frequency adds to the first half of a block, and takes
// from the second; even ones add nothing to either, but for 0.
var oddFactors = [8]int64{1: 29692, 3: -10426, 5: 6967, 7: -5906}

// zigzag gives the place of a coefficient, 8 × row + column.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// sums of a block's columns, by what coefficients add to them.
type sums struct {
	slots [32]int64 // of row 0, from 8 on of odd rows; from 16 on what nobody needs
	used  uint8     // not 0: anything but DC is needed
}

// weights are of a component: where each coefficient goes, and by what factor.
type weights struct {
	quantum *quantum
	factor  [64]int64
	slot    [64]uint8
	needed  [64]uint8
}

func newWeights(q *quantum) *weights {
	w := &weights{quantum: q}
	for i, place := range zigzag {
		row, column := place/8, place%8
		switch {
		case column != 0 && column%2 == 0 || row != 0 && row%2 == 0:
			w.slot[i] = 16
		case row == 0:
			w.slot[i], w.factor[i], w.needed[i] = column, int64(q[i])<<(constantBits+2), 1
		default:
			w.slot[i], w.factor[i], w.needed[i] = 8+column, int64(q[i])*oddFactors[row], 1
		}
	}
	return w
}

// add is false for values of which libjpeg's versions make different pixels, as
// they leave 16 bits; no encoder writes them.
func (s *sums) add(w *weights, position uint, value int32) bool {
	position &= 63
	s.slots[w.slot[position]&31] += int64(value) * w.factor[position]
	s.used |= w.needed[position]
	return uint32(value*w.quantum[position]+1<<15) < 1<<16
}

// square makes the four pixels of a block; it is false where libjpeg would wrap.
func (s *sums) square(dc int64) (pixels [4]byte, ok bool) {
	if s.used == 0 {
		pixel := flat(dc)
		return [4]byte{pixel, pixel, pixel, pixel}, true
	}
	s.slots[0] += dc << (constantBits + 2)
	means := [4]int64{}
	means[0], means[1] = s.halves(1)
	means[2], means[3] = s.halves(-1)
	for i, mean := range means {
		if mean+512 != (mean+512)&1023 {
			return pixels, false
		}
		pixels[i] = level(mean)
	}
	return pixels, true
}

// halves are the means of the left and right half: of the upper half of the block
// (side is 1) or the lower (-1).
func (s *sums) halves(side int64) (left, right int64) {
	const columnBits = constantBits - passBits + 2
	even := descale(s.slots[0]+side*s.slots[8], columnBits) << (constantBits + 2)
	odd := descale(s.slots[1]+side*s.slots[9], columnBits)*oddFactors[1] +
		descale(s.slots[3]+side*s.slots[11], columnBits)*oddFactors[3] +
		descale(s.slots[5]+side*s.slots[13], columnBits)*oddFactors[5] +
		descale(s.slots[7]+side*s.slots[15], columnBits)*oddFactors[7]
	const bits = constantBits + passBits + 3 + 2
	return descale(even+odd, bits), descale(even-odd, bits)
}

// descale divides by a power of two and rounds.
func descale(value int64, bits uint) int64 { return (value + 1<<(bits-1)) >> bits }

// level turns a mean around zero into a pixel.
func level(mean int64) byte { return byte(min(max(mean+128, 0), 255)) }

// mostDC is four times what a picture can have; libjpeg's pixels wrap around
// beyond it.
const mostDC = 4000

// flat is the pixel of a block of which only DC counts.
func flat(dc int64) byte { return level(descale(dc, 3)) }

func plausible(dc int64) bool { return dc >= -mostDC && dc <= mostDC }
