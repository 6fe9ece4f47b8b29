package graph

import (
	"slices"

	"vsed/encoders/onnx"
)

// Sum adds up along axes, counted from 0, which become sides of one; without axes
// along all of them.
func (g *Graph) Sum(x *Value, axes ...int) *Value {
	axes = allAxes(x, axes)
	return g.record("ReduceSum", []*Value{x, g.integers(axes...)}, kept(x, axes), []edge{{x, func(upstream *Value) *Value {
		return g.expand(upstream, x.sides)
	}}}, onnx.Int("keepdims", 1))
}

// Mean is the sum divided by how many were added up.
func (g *Graph) Mean(x *Value, axes ...int) *Value {
	sum := g.Sum(x, axes...)
	return g.Scale(sum, float64(count(sum.sides))/float64(count(x.sides)))
}

// Max is the largest along one axis, counted from 0, which becomes a side of one. The
// largest share the gradient where they are several. To leave values out of account
// give them −∞ by Only: a row without any has −∞, and passes on no gradient.
func (g *Graph) Max(x *Value, axis int) *Value {
	var largest *Value
	largest = g.record("ReduceMax", []*Value{x}, kept(x, []int{axis}), []edge{{x, func(upstream *Value) *Value {
		winners := g.Numbers(g.Equal(g.Detached(x), g.Detached(largest)))
		return g.Mul(g.Div(upstream, g.Sum(winners, axis)), winners)
	}}}, onnx.Ints("axes", int64(axis)), onnx.Int("keepdims", 1))
	return largest
}

// LogSumExp is log Σ eˣ along one axis, counted from 0, which becomes a side of one.
// What is −∞ counts for nothing; something must be left.
func (g *Graph) LogSumExp(x *Value, axis int) *Value {
	given := g.Detached(x)
	largest := g.Max(given, axis)
	result := g.Add(g.Log(g.Sum(g.Exp(g.Sub(given, largest)), axis)), largest)
	g.differentiable(result, edge{x, func(upstream *Value) *Value {
		return g.Mul(upstream, g.Exp(g.Sub(given, result)))
	}})
	return result
}

// Softmax makes weights that sum to one of each row of the innermost side.
func (g *Graph) Softmax(x *Value) *Value {
	last := len(x.sides) - 1
	var y *Value
	y = g.record("Softmax", []*Value{x}, x.sides, []edge{{x, func(upstream *Value) *Value {
		return g.Mul(y, g.Sub(upstream, g.Sum(g.Mul(upstream, y), last)))
	}}}, onnx.Int("axis", int64(last)))
	return y
}

// LogSoftmax is the logarithm of Softmax, calculated without its loss of precision.
func (g *Graph) LogSoftmax(x *Value) *Value {
	last := len(x.sides) - 1
	var y *Value
	y = g.record("LogSoftmax", []*Value{x}, x.sides, []edge{{x, func(upstream *Value) *Value {
		return g.Sub(upstream, g.Mul(g.Exp(y), g.Sum(upstream, last)))
	}}}, onnx.Int("axis", int64(last)))
	return y
}

// shortest is the squared length below which a row counts as having none.
const shortest = 1e-24

// Unit scales each row of the innermost side to length one. A row without length
// stays as it is and gets no gradient: an empty sentence must not spoil a step.
func (g *Graph) Unit(x *Value) *Value {
	last := len(x.sides) - 1
	given := g.Detached(x)
	square := g.Sum(g.Mul(given, given), last)
	long := g.Greater(square, g.scalar(shortest))
	inverse := g.Only(long, g.Div(g.scalar(1), g.Sqrt(g.Only(long, square, 1))), 0)
	y := g.plain("Mul", []*Value{x, inverse}, x.sides)
	g.differentiable(y, edge{x, func(upstream *Value) *Value {
		along := g.Sum(g.Mul(upstream, g.Detached(y)), last)
		return g.Mul(inverse, g.Sub(upstream, g.Mul(g.Detached(y), along)))
	}})
	return y
}

// Diagonal is the diagonal of a square matrix, as a column.
func (g *Graph) Diagonal(x *Value) *Value {
	side, other := turned(g, x, false)
	if side != other {
		g.fail("sides %v have no diagonal", x.sides)
		return x
	}
	return g.Sum(g.Only(g.Own(side), x, 0), 1)
}

// expand repeats sides of one.
func (g *Graph) expand(x *Value, sides []int) *Value {
	if slices.Equal(x.sides, sides) {
		return x
	}
	return g.record("Expand", []*Value{x, g.integers(sides...)}, sides, []edge{{x, func(upstream *Value) *Value {
		return g.sumTo(upstream, x.sides)
	}}})
}

func allAxes(x *Value, axes []int) []int {
	if len(axes) > 0 {
		return axes
	}
	for axis := range x.sides {
		axes = append(axes, axis)
	}
	return axes
}

// kept are a tensor's sides with those of some axes one.
func kept(x *Value, axes []int) []int {
	sides := slices.Clone(x.sides)
	for _, axis := range axes {
		sides[axis] = 1
	}
	return sides
}
