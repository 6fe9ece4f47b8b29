package vector

import (
	"math"
	"math/bits"

	"vsed/index/vector/kernel"
)

// A centre is what the rows of a segment are stored relative to. Any will do
// for the bound; a good one makes it tight.
type centre struct {
	mean  []float32 // µ, a value a dimension
	step  float64   // Δ, one step of the 8 bits
	basis int       // number of rows that it was computed from
}

const (
	// basisLeast is the number of rows below which their mean says little.
	basisLeast = 64
	// basisMost is the number of rows beyond which it changes little.
	basisMost = 2048
	// firstRange is the range of the 8 bits in deviations, for a centre that was
	// computed from nothing.
	firstRange = 4.2
)

func bitLength(n int) int { return bits.Len(uint(n)) }

// inverseLength is 1/‖µ‖, or 0 where there is no mean.
func (c centre) inverseLength() float64 {
	if square := dot(c.mean, c.mean); square > 0 {
		return 1 / math.Sqrt(square)
	}
	return 0
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// A coder turns float16 rows into 8-bit ones for one centre. It belongs to one
// goroutine.
type coder struct {
	*rotation
	centre
	inverse   float64   // 1/Δ
	direction []float64 // µ/‖µ‖, rotated
	values    []float64
	turned    []float64
}

func newCoder(r *rotation, c centre) *coder {
	k := &coder{rotation: r, centre: c, inverse: 1 / c.step, values: make([]float64, r.width), turned: make([]float64, r.width), direction: make([]float64, r.width)}
	inverse := c.inverseLength()
	for i, value := range c.mean {
		k.values[i] = float64(value) * inverse
	}
	r.turn(k.values, k.direction)
	return k
}

// center writes the row less the mean, rotated, into k.turned.
func (k *coder) center(row []uint16) {
	for i, half := range row {
		k.values[i] = float64(kernel.FromHalf(half)) - float64(k.mean[i])
	}
	clear(k.values[len(row):])
	k.turn(k.values, k.turned)
}

// encode writes the row in 8 bits into row, and returns the part of the
// residual that lies along the mean (offset) and the length of the rest
// (radius), rounded up.
func (k *coder) encode(row []uint16, into []byte) (offset, radius float32) {
	k.center(row)
	const magic = 3 << 51 // adding it rounds to an integer, in the low bits
	along := 0.0
	for i, value := range k.turned {
		level := int32(math.Float64bits(max(-127, min(127, value*k.inverse)) + magic))
		into[i] = byte(128 + level)
		residual := value - k.step*float64(level)
		k.turned[i] = residual
		along += residual * k.direction[i]
	}
	offset = float32(along)
	square := 0.0
	for i, residual := range k.turned {
		rest := residual - float64(offset)*k.direction[i]
		square += rest * rest
	}
	return offset, roundUp(math.Sqrt(square)*(1+roundingRelative) + roundingAbsolute)
}

func roundUp(value float64) float32 {
	rounded := float32(value)
	if float64(rounded) < value {
		rounded = math.Nextafter32(rounded, math.MaxFloat32)
	}
	return rounded
}

func roundDown(value float64) float32 {
	rounded := float32(value)
	if float64(rounded) > value {
		rounded = math.Nextafter32(rounded, float32(math.Inf(-1)))
	}
	return rounded
}

// fit computes a centre from a sample of rows.
func fit(r *rotation, sample [][]uint16) centre {
	c := centre{mean: make([]float32, r.dimensions), step: firstRange / 127 / math.Sqrt(float64(r.width))}
	if len(sample) < basisLeast {
		return c
	}
	c.basis = len(sample)
	sums := make([]float64, r.dimensions)
	for _, row := range sample {
		for i, half := range row {
			sums[i] += float64(kernel.FromHalf(half))
		}
	}
	for i, sum := range sums {
		c.mean[i] = float32(sum / float64(len(sample)))
	}
	if step := bestStep(newCoder(r, c), sample); step > 0 {
		c.step = step
	}
	return c
}

// bestStep is the step of the least residual: a smaller one rounds better and
// cuts off more.
func bestStep(k *coder, sample [][]uint16) float64 {
	largest := 0.0
	const bins = 4096
	var histogram [bins]int
	// Nothing is longer than a row and the mean together.
	const scale = bins / 2.1
	for _, row := range sample {
		k.center(row)
		for _, value := range k.turned {
			value = math.Abs(value)
			largest = max(largest, value)
			histogram[min(int(value*scale), bins-1)]++
		}
	}
	best, least := 0.0, math.Inf(1)
	for portion := 1.0; portion > 0.02; portion *= 0.93 {
		step := portion * largest / 127
		if loss := loss(histogram[:], scale, step); loss < least {
			best, least = step, loss
		}
	}
	return best
}

// loss is the sum of the squares that a step leaves.
func loss(histogram []int, scale, step float64) (sum float64) {
	for bin, count := range histogram {
		beyond := max(0, (float64(bin)+0.5)/scale-127.5*step)
		sum += float64(count) * (step*step/12 + beyond*beyond)
	}
	return sum
}
