package onnx

import "fmt"

func matMul(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 2, 2); err != nil {
		return nil, err
	}
	kind, err := oneType(n.inputs)
	if err != nil {
		return nil, err
	}
	a, b := n.inputs[0].shape, n.inputs[1].shape
	if len(a) < 2 || len(b) < 2 {
		return []fact{{kind, nil}}, nil
	}
	if err := inner(a, b, a[len(a)-1], b[len(b)-2]); err != nil {
		return nil, err
	}
	outer, err := broadcastShapes(a[:len(a)-2], b[:len(b)-2])
	return []fact{{kind, append(outer, a[len(a)-2], b[len(b)-1])}}, err
}

func gemm(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 2, 3); err != nil {
		return nil, err
	}
	kind, err := oneType(n.inputs)
	if err != nil {
		return nil, err
	}
	a, b := n.inputs[0].shape, n.inputs[1].shape
	if a == nil || b == nil {
		return []fact{{kind, nil}}, nil
	}
	if len(a) != 2 || len(b) != 2 {
		return nil, fmt.Errorf("takes two matrices, not %v and %v", a, b)
	}
	if n.attributes.int("transA", 0) != 0 {
		a = Shape{a[1], a[0]}
	}
	if n.attributes.int("transB", 0) != 0 {
		b = Shape{b[1], b[0]}
	}
	if err := inner(a, b, a[1], b[0]); err != nil {
		return nil, err
	}
	return []fact{{kind, Shape{a[0], b[1]}}}, nil
}

func inner(a, b Shape, left, right Dimension) error {
	if left.fixed() && right.fixed() && left != right {
		return fmt.Errorf("product of %v and %v: %v is not %v", a, b, left, right)
	}
	return nil
}

func conv(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 2, 3); err != nil {
		return nil, err
	}
	kind, err := oneType(n.inputs)
	if err != nil {
		return nil, err
	}
	x, w := n.inputs[0].shape, n.inputs[1].shape
	if x == nil || w == nil {
		return []fact{{kind, nil}}, nil
	}
	if len(x) != len(w) || len(x) < 3 {
		return nil, fmt.Errorf("input %v and weights %v differ in rank", x, w)
	}
	group := n.attributes.int("group", 1)
	if x[1].fixed() && w[1].fixed() && x[1].Size != w[1].Size*group {
		return nil, fmt.Errorf("input has %v channels, weights %v in %d groups take %d", x[1], w, group, w[1].Size*group)
	}
	shape := Shape{x[0], w[0]}
	for axis := range len(x) - 2 {
		side, err := convSide(n.attributes, axis, len(x)-2, x[axis+2], w[axis+2])
		if err != nil {
			return nil, err
		}
		shape = append(shape, side)
	}
	return []fact{{kind, shape}}, nil
}

// convSide is the size of a convolution's output along one of its axes.
func convSide(a attributes, axis, axes int, input, kernel Dimension) (Dimension, error) {
	if !input.fixed() || !kernel.fixed() {
		return Dimension{}, nil
	}
	strides, dilations := a.intList("strides", axes, 1), a.intList("dilations", axes, 1)
	pads := a.intList("pads", 2*axes, 0)
	if len(strides) != axes || len(dilations) != axes || len(pads) != 2*axes || strides[axis] < 1 {
		return Dimension{}, fmt.Errorf("strides %v, dilations %v or pads %v do not fit %d axes", strides, dilations, pads, axes)
	}
	reach := (kernel.Size-1)*dilations[axis] + 1
	room := input.Size + pads[axis] + pads[axis+axes] - reach
	if room < 0 {
		return Dimension{}, fmt.Errorf("kernel of %d is larger than its padded input %d", reach, room+reach)
	}
	return Fixed(room/strides[axis] + 1), nil
}

func pool(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 1); err != nil {
		return nil, err
	}
	x := n.inputs[0]
	if x.shape == nil {
		return []fact{{x.kind, nil}}, nil
	}
	if len(x.shape) < 3 {
		return nil, fmt.Errorf("pools %v, which has no picture sides", x.shape)
	}
	shape := Shape{x.shape[0], x.shape[1]}
	for range len(x.shape) - 2 {
		shape = append(shape, Fixed(1))
	}
	return []fact{{x.kind, shape}}, nil
}
