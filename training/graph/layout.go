package graph

import (
	"slices"

	"vsed/encoders/onnx"
)

// Reshape gives the same numbers other sides; without sides it gives a scalar.
func (g *Graph) Reshape(x *Value, sides ...int) *Value {
	if slices.Equal(x.sides, sides) {
		return x
	}
	if count(x.sides) != count(sides) {
		g.fail("sides %v cannot become %v", x.sides, sides)
	}
	return g.record("Reshape", []*Value{x, g.integers(sides...)}, sides, []edge{{x, func(upstream *Value) *Value {
		return g.Reshape(upstream, x.sides...)
	}}})
}

// Transpose turns a matrix.
func (g *Graph) Transpose(x *Value) *Value {
	rows, columns := turned(g, x, true)
	return g.record("Transpose", []*Value{x}, []int{rows, columns}, []edge{{x, g.Transpose}}, onnx.Ints("perm", 1, 0))
}

// Concat joins tensors along an axis, counted from 0.
func (g *Graph) Concat(axis int, parts ...*Value) *Value {
	sides := g.joined(axis, parts)
	var edges []edge
	from := 0
	for _, part := range parts {
		begin, end := from, from+part.sides[axis]
		edges = append(edges, edge{part, func(upstream *Value) *Value { return g.Slice(upstream, axis, begin, end) }})
		from = end
	}
	return g.record("Concat", parts, sides, edges, onnx.Int("axis", int64(axis)))
}

func (g *Graph) joined(axis int, parts []*Value) []int {
	sides := slices.Clone(parts[0].sides)
	for _, part := range parts[1:] {
		if len(part.sides) != len(sides) {
			g.fail("sides %v and %v cannot be joined", sides, part.sides)
			return sides
		}
		sides[axis] += part.sides[axis]
	}
	return sides
}

// Slice is the part of a tensor from begin up to end along an axis, counted from 0.
func (g *Graph) Slice(x *Value, axis, begin, end int) *Value {
	if begin < 0 || begin >= end || end > x.sides[axis] {
		g.fail("sides %v have no part %d to %d along axis %d", x.sides, begin, end, axis)
	}
	sides := slices.Clone(x.sides)
	sides[axis] = end - begin
	inputs := []*Value{x, g.integers(begin), g.integers(end), g.integers(axis)}
	return g.record("Slice", inputs, sides, []edge{{x, func(upstream *Value) *Value {
		return g.pad(upstream, axis, begin, x.sides[axis]-end)
	}}})
}

// Split cuts a tensor into parts of given sizes along an axis, counted from 0.
func (g *Graph) Split(x *Value, axis int, sizes ...int) []*Value {
	var parts []*Value
	begin := 0
	for _, size := range sizes {
		parts = append(parts, g.Slice(x, axis, begin, begin+size))
		begin += size
	}
	if begin != x.sides[axis] {
		g.fail("sides %v are not split by %v", x.sides, sizes)
	}
	return parts
}

// pad puts zeros before and after a tensor along an axis.
func (g *Graph) pad(x *Value, axis, before, after int) *Value {
	if before == 0 && after == 0 {
		return x
	}
	pads := make([]int, 2*len(x.sides))
	pads[axis], pads[len(x.sides)+axis] = before, after
	sides := slices.Clone(x.sides)
	sides[axis] += before + after
	return g.record("Pad", []*Value{x, g.integers(pads...)}, sides, []edge{{x, func(upstream *Value) *Value {
		return g.Slice(upstream, axis, before, before+x.sides[axis])
	}}})
}

// Gather takes rows of a matrix by their numbers, which Indices declares as a list.
// A row that is taken several times gets the sum of its gradients.
func (g *Graph) Gather(x, rows *Value) *Value {
	if len(rows.sides) != 1 || rows.kind != onnx.Int64 {
		g.fail("rows are numbered by a list of integers, not by sides %v", rows.sides)
	}
	_, columns := turned(g, x, false)
	taken := []int{rows.sides[0], columns}
	return g.record("Gather", []*Value{x, rows}, taken, []edge{{x, func(upstream *Value) *Value {
		zeros := g.plain("Mul", []*Value{g.Detached(x), g.scalar(0)}, x.sides)
		column := g.plain("Reshape", []*Value{rows, g.integers(rows.sides[0], 1)}, []int{rows.sides[0], 1})
		column.kind = onnx.Int64
		each := g.several("Expand", []*Value{column, g.integers(taken...)}, [][]int{taken})[0]
		return g.plain("ScatterElements", []*Value{zeros, each, upstream}, x.sides, onnx.Int("axis", 0), onnx.String("reduction", "add"))
	}}})
}
