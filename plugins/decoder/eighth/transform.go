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

// sums of a block's columns: of rows 0 at 0 to 7, of odd rows at 8 to 15; from 16
// on is what nobody needs.
type sums [24]int64

// weights are of a component: where each coefficient goes, and by what factor.
type weights struct {
	quantum *quantum
	slot    [64]uint8
	factor  [64]int64
}

func newWeights(q *quantum) *weights {
	w := &weights{quantum: q}
	for i, place := range zigzag {
		row, column := place/8, place%8
		switch {
		case column != 0 && column%2 == 0 || row != 0 && row%2 == 0:
			w.slot[i] = 16
		case row == 0:
			w.slot[i], w.factor[i] = column, int64(q[i])<<(constantBits+2)
		default:
			w.slot[i], w.factor[i] = 8+column, int64(q[i])*oddFactors[row]
		}
	}
	return w
}

// add is false for values of which libjpeg's versions make different pixels, as
// they leave 16 bits; no encoder writes them.
func (s *sums) add(w *weights, position uint, value int32) bool {
	position &= 63
	s[w.slot[position]&31%24] += int64(value) * w.factor[position]
	return uint32(value*w.quantum[position]+1<<15) < 1<<16
}

// square makes the four pixels of a block; it is false where libjpeg would wrap.
func (s *sums) square(dc int64) (pixels [4]byte, ok bool) {
	s[0] += dc << (constantBits + 2)
	var upper, lower [8]int64
	for column := 0; column < 8; column++ {
		upper[column] = descale(s[column]+s[8+column], constantBits-passBits+2)
		lower[column] = descale(s[column]-s[8+column], constantBits-passBits+2)
	}
	var means [4]int64
	means[0], means[1] = halves(&upper)
	means[2], means[3] = halves(&lower)
	for i, mean := range means {
		if mean+512 != (mean+512)&1023 {
			return pixels, false
		}
		pixels[i] = level(mean)
	}
	return pixels, true
}

func halves(row *[8]int64) (left, right int64) {
	even := row[0] << (constantBits + 2)
	odd := row[1]*oddFactors[1] + row[3]*oddFactors[3] + row[5]*oddFactors[5] + row[7]*oddFactors[7]
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
