package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// Version numbers of what is written. Opset 17 is the newest that ONNX Runtime
// 1.12 (and so every JetPack build) reads, and has all that is used here.
const (
	Opset     = 17
	irVersion = 8
)

// Graph collects inputs, constants and nodes in the order in which they run. The
// first mistake is kept and reported by Err and Marshal, so that building code
// need not check each call; the values made after it are placeholders.
type Graph struct {
	name         string
	inputs       []*Value
	outputs      []*Value
	initialisers []initialiser
	constants    map[string]*Value
	nodes        []node
	names        map[string]bool
	err          error
}

type initialiser struct {
	value  *Value
	tensor Tensor
}

type node struct {
	name       string
	domain     string
	op         string
	inputs     []*Value // nil: an optional input that is left out
	outputs    []*Value
	attributes attributes
}

// NewGraph starts an empty graph.
func NewGraph(name string) *Graph {
	return &Graph{name: name, constants: map[string]*Value{}, names: map[string]bool{}}
}

// Err is the first mistake made so far, nil if there is none.
func (g *Graph) Err() error { return g.err }

func (g *Graph) fail(format string, arguments ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("graph %q: "+format, append([]any{g.name}, arguments...)...)
	}
}

// value makes a named tensor; a name that is taken is a mistake.
func (g *Graph) value(name string, kind DataType, shape Shape) *Value {
	if name == "" {
		g.fail("a value has no name")
	}
	if g.names[name] {
		g.fail("two values are named %q", name)
	}
	g.names[name] = true
	return &Value{name: name, kind: kind, shape: shape, graph: g}
}

// Input declares a tensor that the caller of the model gives.
func (g *Graph) Input(name string, kind DataType, shape Shape) *Value {
	if kind.Size() == 0 {
		g.fail("input %q has no known type", name)
	}
	input := g.value(name, kind, shape)
	g.inputs = append(g.inputs, input)
	return input
}

// Output declares a value as a result of the model, under its own name; shape
// overrides what the graph worked out where it is not nil.
func (g *Graph) Output(value *Value, shape Shape) {
	if !g.owns(value) {
		g.fail("output is not a value of this graph")
		return
	}
	if slices.Contains(g.outputs, value) {
		g.fail("%q is an output twice", value.name)
	}
	if shape != nil {
		if err := sameShape(value.shape, shape); err != nil {
			g.fail("output %q: %w", value.name, err)
		}
		value.shape = shape
	}
	if value.kind == Unknown {
		g.fail("output %q has no known type: declare it with As", value.name)
	}
	g.outputs = append(g.outputs, value)
}

// As states the type and shape of a value whose operator this package does not
// know, and returns it.
func (g *Graph) As(value *Value, kind DataType, shape Shape) *Value {
	value.kind, value.shape = kind, shape
	return value
}

// Constant adds a tensor that is stored in the model; equal small ones are stored once.
func (g *Graph) Constant(tensor Tensor) *Value {
	if err := tensor.check(); err != nil {
		g.fail("constant %d: %w", len(g.initialisers), err)
	}
	key, small := tensor.key()
	if known := g.constants[key]; small && known != nil {
		return known
	}
	value := g.value(fmt.Sprintf("constant_%d", len(g.initialisers)), tensor.Type, tensor.shape())
	g.initialisers = append(g.initialisers, initialiser{value, tensor})
	if small {
		g.constants[key] = value
	}
	return value
}

// NamedConstant is Constant under a name, by which Replace finds it; it is stored by
// itself however small it is.
func (g *Graph) NamedConstant(name string, tensor Tensor) *Value {
	if err := tensor.check(); err != nil {
		g.fail("constant %q: %w", name, err)
	}
	value := g.value(name, tensor.Type, tensor.shape())
	g.initialisers = append(g.initialisers, initialiser{value, tensor})
	return value
}

// key tells small tensors apart. Weights never repeat and are not worth
// comparing; axes, scalars and shapes do.
func (t Tensor) key() (string, bool) {
	if len(t.Data) > 64 {
		return "", false
	}
	return fmt.Sprint(t.Type, t.Dims, t.Data), true
}

// Op adds a node with one output and returns that.
func (g *Graph) Op(op string, inputs []*Value, attributes ...Attribute) *Value {
	return g.Node(op, inputs, []string{""}, attributes...)[0]
}

// Named adds a node whose one output has the given name, as a model's outputs need.
func (g *Graph) Named(name, op string, inputs []*Value, attributes ...Attribute) *Value {
	return g.Node(op, inputs, []string{name}, attributes...)[0]
}

// Node adds a node with as many outputs as there are names; an empty name is
// chosen here. A nil input leaves an optional input out.
func (g *Graph) Node(op string, inputs []*Value, outputs []string, attributes ...Attribute) []*Value {
	return g.add(node{op: op, inputs: inputs, attributes: attributes}, outputs)
}

func (g *Graph) add(n node, outputs []string) []*Value {
	n.name = fmt.Sprintf("%s_%d", n.op, len(g.nodes))
	for i, input := range n.inputs {
		if input != nil && !g.owns(input) {
			g.fail("node %s: input %d is not a value of this graph", n.name, i)
		}
	}
	facts := g.infer(n, len(outputs))
	for i, name := range outputs {
		if name == "" {
			name = fmt.Sprintf("%s_%d", n.name, i)
		}
		n.outputs = append(n.outputs, g.value(name, facts[i].kind, facts[i].shape))
	}
	g.nodes = append(g.nodes, n)
	return n.outputs
}

func (g *Graph) owns(value *Value) bool { return value != nil && value.graph == g }

// infer works out types and shapes, and records a mistake that it meets.
func (g *Graph) infer(n node, outputs int) []fact {
	facts := make([]fact, outputs)
	rule, known := rules[n.op]
	if !known || g.err != nil {
		return facts
	}
	found, err := rule(g, n)
	if err != nil {
		g.fail("node %s: %w", n.name, err)
		return facts
	}
	copy(facts, found)
	return facts
}

// constant is the stored tensor behind a value, if it is one.
func (g *Graph) constant(value *Value) (Tensor, bool) {
	for _, each := range g.initialisers {
		if each.value == value {
			return each.tensor, true
		}
	}
	return Tensor{}, false
}

// check reports what can only be told of a whole graph.
func (g *Graph) check() error {
	if g.err != nil {
		return g.err
	}
	if len(g.outputs) == 0 {
		return fmt.Errorf("graph %q has no output", g.name)
	}
	var total int64
	for _, each := range g.initialisers {
		total += int64(len(each.tensor.Data))
	}
	if total > maximumModel {
		return errors.New("graph " + g.name + " is larger than the 2 GB that a protobuf message may have")
	}
	return nil
}
