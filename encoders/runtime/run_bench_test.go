package runtime

import (
	"strconv"
	"testing"

	"vsed/encoders/onnx"
)

// BenchmarkRun measures what a run costs besides the model's own work: a graph
// that picks one value out of a batch of pictures of 224×224.
func BenchmarkRun(b *testing.B) {
	for _, batch := range []int64{1, 8} {
		b.Run("batch="+strconv.FormatInt(batch, 10), func(b *testing.B) {
			g := onnx.NewGraph("first")
			x := g.Input("x", onnx.Uint8, onnx.Sides(batch*224*224*3))
			y := g.Named("y", "Gather", []*onnx.Value{x, g.Constant(onnx.Int64s([]int64{0}, 1))})
			g.Output(g.As(y, onnx.Uint8, onnx.Sides(1)), nil)
			session := open(b, g)
			input := Tensor{[]int64{batch * 224 * 224 * 3}, make([]uint8, batch*224*224*3)}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := session.Run(b.Context(), input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOutput measures a run that gives the features of 8 pictures.
func BenchmarkOutput(b *testing.B) {
	const values = 8 * 3104
	g := onnx.NewGraph("features")
	x := g.Input("x", onnx.Float32, onnx.Sides(values))
	g.Output(g.Named("y", "Neg", []*onnx.Value{x}), nil)
	session := open(b, g)
	input := Tensor{[]int64{values}, make([]float32, values)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.Run(b.Context(), input); err != nil {
			b.Fatal(err)
		}
	}
}
