package graph

import "vsed/encoders/onnx"

// MatMul is the product of two matrices.
func (g *Graph) MatMul(a, b *Value) *Value { return g.product(a, b, false, false) }

// MatMulTransposed is a·bᵀ: of two lists of rows, what each has in common with each.
func (g *Graph) MatMulTransposed(a, b *Value) *Value { return g.product(a, b, false, true) }

// Linear is x·w + b: rows of x through a layer of weights [inputs, outputs] and an
// offset [outputs].
func (g *Graph) Linear(x, w, b *Value) *Value { return g.Add(g.MatMul(x, w), b) }

// product is the product of two matrices, of which each may be turned first.
func (g *Graph) product(a, b *Value, turnA, turnB bool) *Value {
	v := g.gemm(a, b, nil, turnA, turnB)
	g.differentiable(v,
		edge{a, func(upstream *Value) *Value {
			if turnA {
				return g.product(b, upstream, turnB, true)
			}
			return g.product(upstream, b, false, !turnB)
		}},
		edge{b, func(upstream *Value) *Value {
			if turnB {
				return g.product(upstream, a, true, turnA)
			}
			return g.product(a, upstream, !turnA, false)
		}})
	return v
}

// gemm is the product of two matrices plus a third unless it is nil, without a way
// back.
func (g *Graph) gemm(a, b, plus *Value, turnA, turnB bool) *Value {
	rows, inner := turned(g, a, turnA)
	other, columns := turned(g, b, turnB)
	if inner != other {
		g.fail("product of %v and %v: %d is not %d", a.sides, b.sides, inner, other)
	}
	inputs := []*Value{a, b}
	if plus != nil {
		inputs = append(inputs, plus)
	}
	return g.plain("Gemm", inputs, []int{rows, columns}, onnx.Int("transA", one(turnA)), onnx.Int("transB", one(turnB)))
}

func turned(g *Graph, x *Value, turn bool) (rows, columns int) {
	if len(x.sides) != 2 {
		g.fail("product of a tensor with sides %v, which is no matrix", x.sides)
		return 1, 1
	}
	if turn {
		return x.sides[1], x.sides[0]
	}
	return x.sides[0], x.sides[1]
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
