// Package onnx writes ONNX models: a graph is built node by node and marshalled
// to the protobuf bytes that ONNX Runtime loads. It knows the file format and
// the shapes of the common operators, but no network, no training and no
// runtime: those build on it.
package onnx

import (
	"fmt"
	"strings"
)

// DataType is an element type, numbered as in ONNX's TensorProto.DataType.
type DataType int32

const (
	Unknown DataType = 0
	Float32 DataType = 1
	Uint8   DataType = 2
	Int8    DataType = 3
	Int32   DataType = 6
	Int64   DataType = 7
	Bool    DataType = 9
	Float16 DataType = 10
	Float64 DataType = 11
)

var dataTypes = map[DataType]struct {
	name string
	size int
}{
	Float32: {"float32", 4},
	Uint8:   {"uint8", 1},
	Int8:    {"int8", 1},
	Int32:   {"int32", 4},
	Int64:   {"int64", 8},
	Bool:    {"bool", 1},
	Float16: {"float16", 2},
	Float64: {"float64", 8},
}

func (t DataType) String() string {
	if known, ok := dataTypes[t]; ok {
		return known.name
	}
	return fmt.Sprintf("data type %d", int32(t))
}

// Size is the bytes that one element takes; 0 for an unknown type.
func (t DataType) Size() int { return dataTypes[t].size }

// Dimension is one side of a shape: a fixed size, or a symbol such as "N" for a
// size that is known only when the graph runs. Two dimensions with the same
// symbol are equal; the zero-size dimension with an empty symbol is a side of
// which nothing is known.
type Dimension struct {
	Size   int64
	Symbol string
}

// Fixed is a side of known size.
func Fixed(size int64) Dimension { return Dimension{Size: size} }

// Symbol is a side whose size is named, not known.
func Symbol(name string) Dimension { return Dimension{Symbol: name} }

func (d Dimension) fixed() bool { return d.Symbol == "" && d.Size > 0 }

func (d Dimension) unknown() bool { return d == Dimension{} }

func (d Dimension) String() string {
	switch {
	case d.unknown():
		return "?"
	case d.Symbol != "":
		return d.Symbol
	}
	return fmt.Sprint(d.Size)
}

// Shape lists the sides of a tensor, outermost first. A nil Shape is unknown; an
// empty one is a scalar.
type Shape []Dimension

// Sides is a Shape of fixed sizes.
func Sides(sizes ...int64) Shape {
	shape := Shape{}
	for _, size := range sizes {
		shape = append(shape, Fixed(size))
	}
	return shape
}

func (s Shape) String() string {
	if s == nil {
		return "[unknown]"
	}
	sides := make([]string, len(s))
	for i, side := range s {
		sides[i] = side.String()
	}
	return "[" + strings.Join(sides, ",") + "]"
}

// Value is one tensor of a graph: an input, a constant or a node's output.
// Values are made by a Graph and belong to it.
type Value struct {
	name  string
	kind  DataType
	shape Shape
	graph *Graph
}

// Name is the tensor's name in the graph.
func (v *Value) Name() string { return v.name }

// Type is the element type, Unknown where the graph could not tell.
func (v *Value) Type() DataType { return v.kind }

// Shape is the shape as far as the graph could tell; nil where it could not.
func (v *Value) Shape() Shape { return v.shape }
