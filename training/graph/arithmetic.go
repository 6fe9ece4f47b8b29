package graph

import (
	"slices"

	"vsed/encoders/onnx"
)

// Add is a + b; as all operators of two tensors it lines their sides up from the
// right and repeats sides of one.
func (g *Graph) Add(a, b *Value) *Value {
	same := func(upstream *Value) *Value { return upstream }
	return g.broadcast("Add", a, b, same, same)
}

// Sub is a − b.
func (g *Graph) Sub(a, b *Value) *Value {
	return g.broadcast("Sub", a, b, func(upstream *Value) *Value { return upstream }, g.Neg)
}

// Mul is a · b, element by element.
func (g *Graph) Mul(a, b *Value) *Value {
	return g.broadcast("Mul", a, b,
		func(upstream *Value) *Value { return g.Mul(upstream, b) },
		func(upstream *Value) *Value { return g.Mul(upstream, a) })
}

// Div is a / b, element by element.
func (g *Graph) Div(a, b *Value) *Value {
	var quotient *Value
	quotient = g.broadcast("Div", a, b,
		func(upstream *Value) *Value { return g.Div(upstream, b) },
		func(upstream *Value) *Value { return g.Neg(g.Div(g.Mul(upstream, quotient), b)) })
	return quotient
}

// broadcast records an operator of two tensors; the ways back may give the result's
// sides, which are added up to those of the input here.
func (g *Graph) broadcast(operator string, a, b *Value, toA, toB func(upstream *Value) *Value) *Value {
	return g.record(operator, []*Value{a, b}, g.common(operator, a.sides, b.sides), []edge{
		{a, func(upstream *Value) *Value { return g.sumTo(toA(upstream), a.sides) }},
		{b, func(upstream *Value) *Value { return g.sumTo(toB(upstream), b.sides) }},
	})
}

// common are the sides of a result of two tensors.
func (g *Graph) common(operator string, a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	sides := slices.Clone(a)
	for i, side := range b {
		at := len(a) - len(b) + i
		switch {
		case side == sides[at] || side == 1:
		case sides[at] == 1:
			sides[at] = side
		default:
			g.fail("%s: sides %v and %v do not fit", operator, a, b)
		}
	}
	return sides
}

// sumTo adds up a gradient over the sides that were repeated.
func (g *Graph) sumTo(gradient *Value, sides []int) *Value {
	var axes []int
	extra := len(gradient.sides) - len(sides)
	for axis, side := range gradient.sides {
		if axis < extra || side != 1 && sides[axis-extra] == 1 {
			axes = append(axes, axis)
		}
	}
	if len(axes) > 0 {
		gradient = g.Sum(gradient, axes...)
	}
	return g.Reshape(gradient, sides...)
}

// Scale is x times a number.
func (g *Graph) Scale(x *Value, factor float64) *Value { return g.Mul(x, g.scalar(factor)) }

// Shift is x plus a number.
func (g *Graph) Shift(x *Value, term float64) *Value { return g.Add(x, g.scalar(term)) }

// unary records an operator of one tensor that works element by element; slope gives
// what the result gains with the input, from both.
func (g *Graph) unary(operator string, x *Value, slope func(y *Value) *Value) *Value {
	var y *Value
	y = g.record(operator, []*Value{x}, x.sides, []edge{{x, func(upstream *Value) *Value { return g.Mul(upstream, slope(y)) }}})
	return y
}

// Neg is −x.
func (g *Graph) Neg(x *Value) *Value {
	return g.record("Neg", []*Value{x}, x.sides, []edge{{x, g.Neg}})
}

// Sqrt is the square root; its gradient at 0 is infinite.
func (g *Graph) Sqrt(x *Value) *Value {
	return g.unary("Sqrt", x, func(y *Value) *Value { return g.Div(g.scalar(0.5), y) })
}

// Square is x².
func (g *Graph) Square(x *Value) *Value { return g.Mul(x, x) }

// Exp is eˣ.
func (g *Graph) Exp(x *Value) *Value {
	return g.unary("Exp", x, func(y *Value) *Value { return y })
}

// Log is the natural logarithm.
func (g *Graph) Log(x *Value) *Value {
	return g.unary("Log", x, func(*Value) *Value { return g.Div(g.scalar(1), x) })
}

// Abs is |x|, of no gradient at 0.
func (g *Graph) Abs(x *Value) *Value {
	return g.unary("Abs", x, func(*Value) *Value { return g.plain("Sign", []*Value{x}, x.sides) })
}

// Relu is max(x, 0), of no gradient at 0.
func (g *Graph) Relu(x *Value) *Value {
	return g.record("Relu", []*Value{x}, x.sides, []edge{{x, func(upstream *Value) *Value {
		return g.Where(g.Greater(x, g.scalar(0)), upstream, g.scalar(0))
	}}})
}

// Tanh is the hyperbolic tangent.
func (g *Graph) Tanh(x *Value) *Value {
	return g.unary("Tanh", x, func(y *Value) *Value { return g.Sub(g.scalar(1), g.Mul(y, y)) })
}

// Sigmoid is 1 / (1 + e⁻ˣ).
func (g *Graph) Sigmoid(x *Value) *Value {
	return g.unary("Sigmoid", x, func(y *Value) *Value { return g.Mul(y, g.Sub(g.scalar(1), y)) })
}

// Greater is a > b as truth values.
func (g *Graph) Greater(a, b *Value) *Value { return g.compare("Greater", a, b) }

// Equal is a = b as truth values.
func (g *Graph) Equal(a, b *Value) *Value { return g.compare("Equal", a, b) }

func (g *Graph) compare(operator string, a, b *Value) *Value {
	return g.plain(operator, []*Value{a, b}, g.common(operator, a.sides, b.sides))
}

// Either is the mask of where at least one of two masks holds.
func (g *Graph) Either(a, b *Value) *Value {
	v := g.plain("Or", []*Value{a, b}, g.common("Or", a.sides, b.sides))
	v.kind = onnx.Bool
	g.written.As(v.node, onnx.Bool, shape(v.sides))
	return v
}

// Own is the mask of a square matrix's diagonal.
func (g *Graph) Own(side int) *Value {
	eye := make([]float64, side*side)
	for i := range side {
		eye[i*side+i] = 1
	}
	return g.Greater(g.Constant(eye, side, side), g.scalar(0.5))
}

// Numbers makes 1 and 0 of truth values.
func (g *Graph) Numbers(mask *Value) *Value {
	return g.plain("Cast", []*Value{mask}, mask.sides, onnx.Int("to", int64(g.kind)))
}

// Where is a where a mask holds and b elsewhere. A gradient passes only to the side
// that was taken, so that infinities on the other do no harm.
func (g *Graph) Where(mask, a, b *Value) *Value {
	sides := g.common("Where", g.common("Where", a.sides, b.sides), mask.sides)
	zero := g.scalar(0)
	return g.record("Where", []*Value{mask, a, b}, sides, []edge{
		{a, func(upstream *Value) *Value { return g.sumTo(g.Where(mask, upstream, zero), a.sides) }},
		{b, func(upstream *Value) *Value { return g.sumTo(g.Where(mask, zero, upstream), b.sides) }},
	})
}

// Only is x where a mask holds and a number elsewhere.
func (g *Graph) Only(mask, x *Value, elsewhere float64) *Value {
	return g.Where(mask, x, g.scalar(elsewhere))
}

// Dropout multiplies by a given input of zeros and, so that the mean stays, of
// 1/(1 − rate) elsewhere.
func (g *Graph) Dropout(x, kept *Value) *Value { return g.Mul(x, kept) }

// Detached is x, with no gradient passing through.
func (g *Graph) Detached(x *Value) *Value {
	return &Value{node: x.node, kind: x.kind, sides: x.sides}
}
