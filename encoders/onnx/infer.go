package onnx

import (
	"errors"
	"fmt"
)

// fact is what is known of one output of a node.
type fact struct {
	kind  DataType
	shape Shape
}

// rule works out the outputs of a node, or says what is wrong with its inputs.
// An operator without a rule is written as it is and its outputs are unknown.
type rule func(g *Graph, n node) ([]fact, error)

var rules = map[string]rule{
	"Add": broadcast, "Sub": broadcast, "Mul": broadcast, "Div": broadcast, "Pow": broadcast,
	"Max": broadcast, "Min": broadcast,
	"Greater": compare, "GreaterOrEqual": compare, "Less": compare, "LessOrEqual": compare, "Equal": compare,
	"Where":   where,
	"Sigmoid": same, "Tanh": same, "Relu": same, "Exp": same, "Log": same, "Sqrt": same, "Neg": same, "Abs": same,
	"Reciprocal": same, "Identity": same, "Softmax": same, "LogSoftmax": same, "Clip": same, "Not": same, "Sign": same,
	"Cast":              cast,
	"MatMul":            matMul,
	"Gemm":              gemm,
	"Conv":              conv,
	"GlobalAveragePool": pool,
	"Flatten":           flatten,
	"Transpose":         transpose,
	"Concat":            concat,
	"ReduceSum":         reduce,
	"ReduceMean":        reduce,
	"ReduceMax":         reduce,
	"ReduceL2":          reduce,
	"ReduceSumSquare":   reduce,
	"TopK":              topK,
	"ScatterElements":   scatter,
}

// arity reports a wrong number of inputs, or a required one that is left out.
func arity(n node, least, most int) error {
	if len(n.inputs) < least || len(n.inputs) > most {
		return fmt.Errorf("has %d inputs, needs %d to %d", len(n.inputs), least, most)
	}
	for i, input := range n.inputs[:least] {
		if input == nil {
			return fmt.Errorf("input %d is left out", i)
		}
	}
	return nil
}

// oneType is the type that all known inputs share.
func oneType(inputs []*Value) (DataType, error) {
	kind := Unknown
	for _, input := range inputs {
		switch {
		case input == nil || input.kind == Unknown:
		case kind == Unknown:
			kind = input.kind
		case kind != input.kind:
			return Unknown, fmt.Errorf("mixes %v and %v (%q)", kind, input.kind, input.name)
		}
	}
	return kind, nil
}

func same(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 3); err != nil {
		return nil, err
	}
	return []fact{{n.inputs[0].kind, n.inputs[0].shape}}, nil
}

func broadcast(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 2, 2); err != nil {
		return nil, err
	}
	kind, err := oneType(n.inputs)
	if err != nil {
		return nil, err
	}
	shape, err := broadcastShapes(n.inputs[0].shape, n.inputs[1].shape)
	return []fact{{kind, shape}}, err
}

func compare(g *Graph, n node) ([]fact, error) {
	facts, err := broadcast(g, n)
	if err == nil {
		facts[0].kind = Bool
	}
	return facts, err
}

func where(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 3, 3); err != nil {
		return nil, err
	}
	if condition := n.inputs[0].kind; condition != Bool && condition != Unknown {
		return nil, fmt.Errorf("condition is %v, not bool", condition)
	}
	kind, err := oneType(n.inputs[1:])
	if err != nil {
		return nil, err
	}
	shape, err := broadcastShapes(n.inputs[1].shape, n.inputs[2].shape)
	if err == nil {
		shape, err = broadcastShapes(shape, n.inputs[0].shape)
	}
	return []fact{{kind, shape}}, err
}

func cast(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 1); err != nil {
		return nil, err
	}
	to := DataType(n.attributes.int("to", 0))
	if to.Size() == 0 {
		return nil, errors.New("has no known type to cast to")
	}
	return []fact{{to, n.inputs[0].shape}}, nil
}

// broadcastShapes lines two shapes up from the right, as NumPy does.
func broadcastShapes(a, b Shape) (Shape, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	shape := append(Shape{}, a...)
	for i, side := range b {
		at := len(a) - len(b) + i
		joined, ok := broadcastSides(a[at], side)
		if !ok {
			return nil, fmt.Errorf("shapes %v and %v do not fit", a, b)
		}
		shape[at] = joined
	}
	return shape, nil
}

func broadcastSides(a, b Dimension) (Dimension, bool) {
	switch {
	case a == b, b == Fixed(1):
		return a, true
	case a == Fixed(1):
		return b, true
	case a.fixed() && b.fixed():
		return Dimension{}, false
	case a.fixed():
		return a, true
	case b.fixed():
		return b, true
	}
	return Dimension{}, true
}

// sameShape reports two shapes that cannot be the same tensor's.
func sameShape(a, b Shape) error {
	if a == nil || b == nil {
		return nil
	}
	if len(a) != len(b) {
		return fmt.Errorf("shape %v is not %v", a, b)
	}
	for i := range a {
		if a[i].fixed() && b[i].fixed() && a[i] != b[i] {
			return fmt.Errorf("shape %v is not %v", a, b)
		}
	}
	return nil
}
