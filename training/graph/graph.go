// Package graph builds one ONNX graph that holds a forward pass, its loss and the
// loss's gradients, which ONNX Runtime then runs: reverse-mode differentiation over
// the operators that retrieval models need. Shapes are fixed: one graph a shape of
// batch. It knows operators and their gradients, but no loss, no optimiser and no
// runtime: those build on it.
package graph

import (
	"fmt"
	"slices"

	"vsed/encoders/onnx"
)

// Graph collects operators in the order in which they run. The first mistake is
// kept and reported by Training and Inference, so that building code need not check
// each call; the values made after it are placeholders.
type Graph struct {
	written   *onnx.Graph
	kind      onnx.DataType // of all numbers: Float32, or Float64 to check by
	inputs    []*Value
	variables []*Value
	tape      []*Value // in the order in which they were made
	err       error
}

// Value is one tensor of a graph. Values are made by a Graph and belong to it.
type Value struct {
	node  *onnx.Value
	kind  onnx.DataType
	sides []int
	// edges lead to the values that a gradient is passed on to.
	edges []edge
	// varies says that a variable has a part in this value.
	varies bool
}

// edge is one way of a gradient backwards: from what the loss gains with a value to
// what it gains with one of those that it was made of.
type edge struct {
	to       *Value
	gradient func(upstream *Value) *Value
}

// Sides are the sizes of the tensor, outermost first.
func (v *Value) Sides() []int { return slices.Clone(v.sides) }

// New starts an empty graph that calculates in float32.
func New(name string) *Graph { return newGraph(name, onnx.Float32) }

// NewDouble starts an empty graph that calculates in float64: slow, and exact enough
// to compare gradients with finite differences.
func NewDouble(name string) *Graph { return newGraph(name, onnx.Float64) }

func newGraph(name string, kind onnx.DataType) *Graph {
	return &Graph{written: onnx.NewGraph(name), kind: kind}
}

func (g *Graph) fail(format string, arguments ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, arguments...)
	}
}

// Variable declares an input for which the gradient of the loss is asked: a weight,
// or looked-up rows of a table.
func (g *Graph) Variable(name string, sides ...int) *Value {
	v := g.input(name, g.kind, sides)
	v.varies = true
	g.variables = append(g.variables, v)
	return v
}

// Input declares an input of numbers that is given, not learned.
func (g *Graph) Input(name string, sides ...int) *Value { return g.input(name, g.kind, sides) }

// Mask declares an input of truth values.
func (g *Graph) Mask(name string, sides ...int) *Value { return g.input(name, onnx.Bool, sides) }

// Indices declares an input of row numbers.
func (g *Graph) Indices(name string, sides ...int) *Value {
	return g.input(name, onnx.Int64, sides)
}

func (g *Graph) input(name string, kind onnx.DataType, sides []int) *Value {
	for _, side := range sides {
		if side < 1 {
			g.fail("input %q has sides %v", name, sides)
		}
	}
	v := &Value{node: g.written.Input(name, kind, shape(sides)), kind: kind, sides: slices.Clone(sides)}
	g.inputs = append(g.inputs, v)
	return v
}

// Constant is a tensor of numbers stored in the graph; without sides it is a scalar.
func (g *Graph) Constant(values []float64, sides ...int) *Value {
	dims := wide(sides)
	tensor := onnx.Float64s(values, dims...)
	if g.kind == onnx.Float32 {
		narrow := make([]float32, len(values))
		for i, value := range values {
			narrow[i] = float32(value)
		}
		tensor = onnx.Float32s(narrow, dims...)
	}
	return &Value{node: g.written.Constant(tensor), kind: g.kind, sides: slices.Clone(sides)}
}

func (g *Graph) scalar(value float64) *Value { return g.Constant([]float64{value}) }

// integers is a constant that an operator reads as axes, sizes or a shape.
func (g *Graph) integers(values ...int) *Value {
	return &Value{node: g.written.Constant(onnx.Int64s(wide(values), int64(len(values)))), kind: onnx.Int64, sides: []int{len(values)}}
}

// record adds an operator whose result is of the graph's kind and has these sides,
// with a way back for each of its inputs that gradients are passed on to.
func (g *Graph) record(operator string, inputs []*Value, sides []int, edges []edge, attributes ...onnx.Attribute) *Value {
	v := g.plain(operator, inputs, sides, attributes...)
	g.differentiable(v, edges...)
	return v
}

// differentiable notes the ways back from a value.
func (g *Graph) differentiable(v *Value, edges ...edge) {
	for _, each := range edges {
		if each.to.varies {
			v.edges, v.varies = append(v.edges, each), true
		}
	}
	if v.varies {
		g.tape = append(g.tape, v)
	}
}

// plain adds an operator that no gradient passes.
func (g *Graph) plain(operator string, inputs []*Value, sides []int, attributes ...onnx.Attribute) *Value {
	return g.several(operator, inputs, [][]int{sides}, attributes...)[0]
}

// several adds an operator that no gradient passes, with as many results as there
// are sides.
func (g *Graph) several(operator string, inputs []*Value, sides [][]int, attributes ...onnx.Attribute) []*Value {
	var nodes []*onnx.Value
	for _, input := range inputs {
		nodes = append(nodes, input.node)
	}
	made := g.written.Node(operator, nodes, make([]string, len(sides)), attributes...)
	results := make([]*Value, len(sides))
	for i, node := range made {
		if err := agree(node, sides[i]); err != nil {
			g.fail("%s: %w", operator, err)
		}
		kind := node.Type()
		if kind == onnx.Unknown {
			kind = g.kind
		}
		g.written.As(node, kind, shape(sides[i]))
		results[i] = &Value{node: node, kind: kind, sides: slices.Clone(sides[i])}
	}
	return results
}

// agree reports a shape that was worked out here other than by the writer.
func agree(node *onnx.Value, sides []int) error {
	if known := node.Shape(); known != nil && known.String() != shape(sides).String() {
		return fmt.Errorf("gives %v, not %v", known, sides)
	}
	return nil
}

func shape(sides []int) onnx.Shape { return onnx.Sides(wide(sides)...) }

func wide(sides []int) []int64 {
	var dims []int64
	for _, side := range sides {
		dims = append(dims, int64(side))
	}
	return dims
}

// count is how many numbers a tensor of these sides has.
func count(sides []int) int {
	product := 1
	for _, side := range sides {
		product *= side
	}
	return product
}
