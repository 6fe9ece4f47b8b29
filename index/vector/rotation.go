package vector

import "math"

// A rotation spreads what one dimension holds over many, so that one scale
// suits every value: an encoder's outlier dimension would else take the whole
// range of the 8 bits. It is two rounds of signs and Hadamard blocks with a
// shuffle between them. A row is padded with zeros to the width first.
//
// It is part of the file format: another one needs another version.
type rotation struct {
	dimensions, width int
	blocks            []int        // lengths, powers of two that add up to the width
	factors           [2][]float64 // signs, with 1/√length of the block
	order             []int        // where the second round takes its values from
}

func newRotation(dimensions int) *rotation {
	width := (dimensions + unit - 1) / unit * unit
	r := &rotation{dimensions: dimensions, width: width, order: make([]int, width)}
	for left := width; left > 0; {
		length := 1 << (bitLength(left) - 1)
		r.blocks = append(r.blocks, length)
		left -= length
	}
	numbers := splitMix(1)
	for round := range r.factors {
		r.factors[round] = make([]float64, 0, width)
		for _, length := range r.blocks {
			for range length {
				sign := 1 - 2*float64(numbers.next()>>63)
				r.factors[round] = append(r.factors[round], sign/math.Sqrt(float64(length)))
			}
		}
	}
	for i := range r.order {
		j := int(numbers.next() % uint64(i+1))
		r.order[i] = r.order[j]
		r.order[j] = i
	}
	return r
}

// turn rotates the values, which it overwrites, into another slice of the
// width. Each value has gone through at most 2·14 additions and 2 products.
func (r *rotation) turn(values, into []float64) {
	for i, factor := range r.factors[0] {
		values[i] *= factor
	}
	r.hadamard(values)
	for i, factor := range r.factors[1] {
		into[i] = values[r.order[i]] * factor
	}
	r.hadamard(into)
}

func (r *rotation) hadamard(values []float64) {
	for _, length := range r.blocks {
		transform(values[:length])
		values = values[length:]
	}
}

// transform multiplies by the Hadamard matrix of the length, a power of two and
// at least 64.
func transform(v []float64) {
	for i := 0; i+4 <= len(v); i += 4 {
		w := v[i : i+4 : i+4]
		a, b, c, d := w[0]+w[1], w[0]-w[1], w[2]+w[3], w[2]-w[3]
		w[0], w[1], w[2], w[3] = a+c, b+d, a-c, b-d
	}
	step := 4
	for ; 4*step <= len(v); step *= 4 {
		for i := 0; i < len(v); i += 4 * step {
			p, q, r, s := v[i:][:step], v[i+step:][:step], v[i+2*step:][:step], v[i+3*step:][:step]
			for j := range p {
				a, b, c, d := p[j]+q[j], p[j]-q[j], r[j]+s[j], r[j]-s[j]
				p[j], q[j], r[j], s[j] = a+c, b+d, a-c, b-d
			}
		}
	}
	if step < len(v) {
		p, q := v[:step], v[step:][:step]
		for j := range p {
			p[j], q[j] = p[j]+q[j], p[j]-q[j]
		}
	}
}

// splitMix is the SplitMix64 generator: the shuffle must be the same for ever.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
