package vector

import (
	"math"

	"vsed/index/vector/kernel"
)

const (
	// longestRow is more than any stored row's length: Tolerance and the rounding
	// to float16 together add less than 2·10⁻³.
	longestRow = 1.01
	// The rounding terms of float64 arithmetic; the package comment says of what.
	roundingRelative = 1e-9
	roundingAbsolute = 1e-11
)

// A prepared is a query as the scan needs it.
type prepared struct {
	values   []float32
	levels   []int16 // the rotated query in steps
	step     float64 // of the levels
	length   float64 // ‖q‖
	residual float64 // what the 16 bits leave of ‖q‖
}

func prepare(r *rotation, query []float32) prepared {
	values, turned := make([]float64, r.width), make([]float64, r.width)
	for i, value := range query {
		values[i] = float64(value)
	}
	r.turn(values, turned)
	largest, sum := 0.0, 0.0
	for _, value := range turned {
		largest = max(largest, math.Abs(value))
		sum += math.Abs(value)
	}
	p := prepared{values: query, levels: make([]int16, r.width), length: math.Sqrt(dot(query, query))}
	// Rounding adds at most a half to each level.
	p.step = max(largest/(kernel.Largest-1), sum/(kernel.Limit-float64(r.width)))
	square := 0.0
	for i, value := range turned {
		level := math.RoundToEven(value / p.step)
		p.levels[i] = int16(level)
		square += (value - p.step*level) * (value - p.step*level)
	}
	p.residual = math.Sqrt(square)*(1+roundingRelative) + roundingAbsolute
	return p
}

// Terms are what the bound of a query is made of in one segment:
//
//	|score − (base + scale·dot + along·offset)| ≤ across·radius + slack
type terms struct {
	base, scale, along float64
	across, slack      float64
	// slack32 bounds in addition what float32 arithmetic loses in a kernel.
	slack32 float64
}

func (p prepared) in(c centre, width int, looseness float64) terms {
	inverse := c.inverseLength()
	t := terms{base: dot(p.values, c.mean), scale: c.step * p.step}
	t.along = t.base * inverse
	square := 0.0
	for i, value := range p.values {
		rest := float64(value) - t.along*inverse*float64(c.mean[i])
		square += rest * rest
	}
	t.across = looseness * (math.Sqrt(square)*(1+roundingRelative) + roundingAbsolute)
	mean := math.Sqrt(dot(c.mean, c.mean))
	longest := longestRow + mean + c.step/2*math.Sqrt(float64(width)) // a row in 8 bits
	t.slack = looseness * (p.residual*longest + 0x1p-24*p.length*longest + roundingAbsolute)
	t.slack32 = 0x6p-24 * ((p.length+p.residual)*(3*longest+mean) + t.slack)
	return t
}

// estimate and bound are those of a row with the given numbers.
func (t terms) estimate(dot int32, offset float32) float64 {
	return t.base + t.scale*float64(dot) + t.along*float64(offset)
}

func (t terms) bound(radius float32) float64 { return t.across*float64(radius) + t.slack }

// fill sets what the kernel needs to find every row whose estimate and bound
// together reach the floor.
func (t terms) fill(q *kernel.Query, floor float64) {
	q.Scale, q.Along = float32(t.scale), float32(t.along)
	q.Base, q.Across = roundUp(t.base+t.slack+t.slack32), roundUp(t.across)
	q.Floor = roundDown(floor)
}
