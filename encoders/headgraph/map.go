package headgraph

import (
	"fmt"

	"vsed/encoders/onnx"
)

// Map is a linear map of vectors into their own space, before they get unit length.
type Map struct {
	Weights []float32 // [width, width], a row for each value that goes in
	Offset  []float32
}

// Maps stand behind the towers of an encoder whose vectors are its features.
type Maps struct{ Picture, Sentence Map }

// Graph maps `rows`, float32 [N, width], to `vectors` of unit length.
func (m Map) Graph(width int) ([]byte, error) {
	if width < 1 || len(m.Weights) != width*width || len(m.Offset) != width {
		return nil, fmt.Errorf("a map of %d weights and %d offsets is none of vectors of %d values", len(m.Weights), len(m.Offset), width)
	}
	side := int64(width)
	shape := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(side)}
	graph := onnx.NewGraph("map")
	rows := Unit(graph, graph.Input("rows", onnx.Float32, shape))
	mapped := graph.Op("Gemm", []*onnx.Value{rows, graph.Constant(onnx.Float32s(m.Weights, side, side)), graph.Constant(onnx.Float32s(m.Offset, side))})
	graph.Output(graph.As(Unit(graph, mapped), onnx.Float32, shape), shape)
	return graph.Marshal()
}
