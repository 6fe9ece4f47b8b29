package onnx

import (
	"fmt"
	"slices"
)

// position turns an axis, which may count from the end, into an index.
func position(axis int64, rank int) (int, error) {
	at := int(axis)
	if at < 0 {
		at += rank
	}
	if at < 0 || at >= rank {
		return 0, fmt.Errorf("axis %d is outside of rank %d", axis, rank)
	}
	return at, nil
}

func flatten(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 1); err != nil {
		return nil, err
	}
	x := n.inputs[0]
	if x.shape == nil {
		return []fact{{x.kind, nil}}, nil
	}
	axis := n.attributes.int("axis", 1)
	if axis < 0 || axis > int64(len(x.shape)) {
		return nil, fmt.Errorf("axis %d is outside of %v", axis, x.shape)
	}
	return []fact{{x.kind, Shape{product(x.shape[:axis]), product(x.shape[axis:])}}}, nil
}

// product is the number of elements in some sides; one side stands for itself.
func product(sides Shape) Dimension {
	others := slices.DeleteFunc(slices.Clone(sides), func(d Dimension) bool { return d == Fixed(1) })
	if len(others) == 1 {
		return others[0]
	}
	size := int64(1)
	for _, side := range others {
		if !side.fixed() {
			return Dimension{}
		}
		size *= side.Size
	}
	return Fixed(size)
}

func transpose(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 1); err != nil {
		return nil, err
	}
	x := n.inputs[0]
	if x.shape == nil {
		return []fact{{x.kind, nil}}, nil
	}
	order, given := n.attributes.find("perm")
	if !given {
		shape := slices.Clone(x.shape)
		slices.Reverse(shape)
		return []fact{{x.kind, shape}}, nil
	}
	sorted := slices.Sorted(slices.Values(order.ints))
	shape := Shape{}
	for i, from := range order.ints {
		if len(sorted) != len(x.shape) || sorted[i] != int64(i) {
			return nil, fmt.Errorf("order %v does not permute %v", order.ints, x.shape)
		}
		shape = append(shape, x.shape[from])
	}
	return []fact{{x.kind, shape}}, nil
}

func concat(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, max(1, len(n.inputs)), len(n.inputs)); err != nil {
		return nil, err
	}
	kind, err := oneType(n.inputs)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(n.inputs[0].shape)
	if shape == nil {
		return []fact{{kind, nil}}, nil
	}
	axis, err := position(n.attributes.int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	for _, input := range n.inputs[1:] {
		if input.shape == nil {
			return []fact{{kind, nil}}, nil
		}
		if shape, err = join(shape, input.shape, axis); err != nil {
			return nil, err
		}
	}
	return []fact{{kind, shape}}, nil
}

// join appends b to a along an axis.
func join(a, b Shape, axis int) (Shape, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("joins %v and %v, which differ in rank", a, b)
	}
	joined := slices.Clone(a)
	for i := range a {
		if i != axis && a[i].fixed() && b[i].fixed() && a[i] != b[i] {
			return nil, fmt.Errorf("joins %v and %v along axis %d", a, b, axis)
		}
	}
	if a[axis].fixed() && b[axis].fixed() {
		joined[axis] = Fixed(a[axis].Size + b[axis].Size)
	} else {
		joined[axis] = Dimension{}
	}
	return joined, nil
}

// reduce covers both ways to name the axes: an attribute, or a constant input.
func reduce(g *Graph, n node) ([]fact, error) {
	if err := arity(n, 1, 2); err != nil {
		return nil, err
	}
	x := n.inputs[0]
	axes := n.attributes.intList("axes", 0, 0)
	if len(n.inputs) == 2 {
		tensor, constant := g.constant(n.inputs[1])
		if !constant || tensor.Type != Int64 {
			return []fact{{x.kind, nil}}, nil
		}
		axes = tensor.ints()
	}
	if x.shape == nil {
		return []fact{{x.kind, nil}}, nil
	}
	shape, err := reduced(x.shape, axes, n.attributes.int("keepdims", 1) != 0)
	return []fact{{x.kind, shape}}, err
}

func reduced(shape Shape, axes []int64, keep bool) (Shape, error) {
	gone := make([]bool, len(shape))
	for i := range gone {
		gone[i] = len(axes) == 0
	}
	for _, axis := range axes {
		at, err := position(axis, len(shape))
		if err != nil {
			return nil, err
		}
		gone[at] = true
	}
	left := Shape{}
	for i, side := range shape {
		switch {
		case !gone[i]:
			left = append(left, side)
		case keep:
			left = append(left, Fixed(1))
		}
	}
	return left, nil
}

func topK(g *Graph, n node) ([]fact, error) {
	if err := arity(n, 2, 2); err != nil {
		return nil, err
	}
	x := n.inputs[0]
	count, constant := g.constant(n.inputs[1])
	if x.shape == nil || !constant || count.Type != Int64 || len(count.Data) != 8 {
		return []fact{{x.kind, nil}, {Int64, nil}}, nil
	}
	axis, err := position(n.attributes.int("axis", -1), len(x.shape))
	if err != nil {
		return nil, err
	}
	k := count.ints()[0]
	if side := x.shape[axis]; k < 1 || side.fixed() && k > side.Size {
		return nil, fmt.Errorf("takes the largest %d of %v", k, side)
	}
	shape := slices.Clone(x.shape)
	shape[axis] = Fixed(k)
	return []fact{{x.kind, shape}, {Int64, shape}}, nil
}

func scatter(_ *Graph, n node) ([]fact, error) {
	if err := arity(n, 3, 3); err != nil {
		return nil, err
	}
	if _, err := oneType([]*Value{n.inputs[0], n.inputs[2]}); err != nil {
		return nil, err
	}
	if err := sameShape(n.inputs[1].shape, n.inputs[2].shape); err != nil {
		return nil, fmt.Errorf("indices and updates: %w", err)
	}
	return []fact{{n.inputs[0].kind, n.inputs[0].shape}}, nil
}
