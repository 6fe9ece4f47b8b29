package runtime

import (
	"slices"
	"strings"
	"testing"

	"github.com/x448/float16"

	"vsed/encoders/onnx"
)

// TestElementTypes passes each type through a graph that only names it anew.
func TestElementTypes(t *testing.T) {
	half := []float16.Float16{float16.Fromfloat32(1.5), float16.Fromfloat32(-2), float16.Inf(1)}
	f := func(kind onnx.DataType, data any) {
		t.Helper()
		g := onnx.NewGraph("identity")
		shape := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(3)}
		g.Output(g.Named("y", "Identity", []*onnx.Value{g.Input("x", kind, shape)}), nil)
		session := open(t, g)
		if session.Inputs[0].Type != kind.String() || !slices.Equal(session.Inputs[0].Dims, []int64{-1, 3}) {
			t.Errorf("input is %v", session.Inputs[0])
		}
		outputs, err := session.Run(t.Context(), Tensor{[]int64{1, 3}, data})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(outputs[0].Shape, []int64{1, 3}) || !equal(outputs[0].Data, data) {
			t.Errorf("%v gives %v", data, outputs[0])
		}
	}
	f(onnx.Float32, []float32{1, 2, 3})
	f(onnx.Float64, []float64{1, 2, 1e300})
	f(onnx.Float16, half)
	f(onnx.Uint8, []uint8{1, 2, 255})
	f(onnx.Int8, []int8{1, 2, -128})
	f(onnx.Int32, []int32{1, 2, -3})
	f(onnx.Int64, []int64{1, 2, -3})
	f(onnx.Bool, []bool{true, false, true})
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case []float32:
		return slices.Equal(a, b.([]float32))
	case []float64:
		return slices.Equal(a, b.([]float64))
	case []float16.Float16:
		return slices.Equal(a, b.([]float16.Float16))
	case []uint8:
		return slices.Equal(a, b.([]uint8))
	case []int8:
		return slices.Equal(a, b.([]int8))
	case []int32:
		return slices.Equal(a, b.([]int32))
	case []int64:
		return slices.Equal(a, b.([]int64))
	case []bool:
		return slices.Equal(a, b.([]bool))
	}
	return false
}

// convolution is a small network in a type: 2×2 means of one channel, over N
// pictures of 4×4; rows first or channels last.
func convolution(kind onnx.DataType, last bool) *onnx.Graph {
	g := onnx.NewGraph("convolution")
	sides := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(1), onnx.Fixed(4), onnx.Fixed(4)}
	if last {
		sides = onnx.Shape{onnx.Symbol("N"), onnx.Fixed(4), onnx.Fixed(4), onnx.Fixed(1)}
	}
	x := g.Input("x", kind, sides)
	if last {
		x = g.Op("Transpose", []*onnx.Value{x}, onnx.Ints("perm", 0, 3, 1, 2))
	}
	quarter := onnx.Float32s([]float32{.25, .25, .25, .25}, 1, 1, 2, 2)
	if kind == onnx.Float16 {
		bits := float16.Fromfloat32(.25).Bits()
		quarter = onnx.Float16s([]uint16{bits, bits, bits, bits}, 1, 1, 2, 2)
	}
	y := g.Op("Conv", []*onnx.Value{x, g.Constant(quarter)}, onnx.Ints("strides", 2, 2), onnx.Ints("kernel_shape", 2, 2))
	g.Output(g.Named("y", "Flatten", []*onnx.Value{y}), nil)
	return g
}

func TestConvolutions(t *testing.T) {
	picture := []float32{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}
	f := func(shape []int64, last bool) {
		t.Helper()
		outputs, err := open(t, convolution(onnx.Float32, last)).Run(t.Context(), Tensor{shape, picture})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := outputs[0].Float32s(); !slices.Equal(got, []float32{1, 2, 3, 4}) {
			t.Errorf("means %v", got)
		}
	}
	f([]int64{1, 1, 4, 4}, false)
	f([]int64{1, 4, 4, 1}, true)
}

// TestHalfConvolution: the CPU calculates it in float32 and casts; the result has
// the size of the batch, which the graph leaves open.
func TestHalfConvolution(t *testing.T) {
	picture := make([]float16.Float16, 32)
	for i := range picture {
		picture[i] = float16.Fromfloat32(float32(i / 16))
	}
	outputs, err := open(t, convolution(onnx.Float16, false)).Run(t.Context(), Tensor{[]int64{2, 1, 4, 4}, picture})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := outputs[0].Float32s(); err != nil || !slices.Equal(got, []float32{0, 0, 0, 0, 1, 1, 1, 1}) {
		t.Errorf("means %v, %v", got, err)
	}
}

// TestHalfOutputOfNoSize: a model may ask for a size that no memory has.
func TestHalfOutputOfNoSize(t *testing.T) {
	f := func(want bool, shape ...int64) {
		t.Helper()
		if sensible(shape) != want {
			t.Errorf("shape %v", shape)
		}
	}
	f(true, 8, 512)
	f(true)
	f(true, 1<<14, 1<<14)
	f(false, 1<<14, 1<<15)
	f(false, 1<<60, 1<<60)
	f(false, -1, 512)
	f(false, 0)
}

// TestQuantisedProduct multiplies int8 weights as a quantised model does.
func TestQuantisedProduct(t *testing.T) {
	g := onnx.NewGraph("quantised")
	x := g.Input("x", onnx.Uint8, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2)})
	w := g.Constant(onnx.Int8s([]int8{1, -2, 3, 4}, 2, 2))
	y := g.Named("y", "MatMulInteger", []*onnx.Value{x, w})
	g.Output(g.As(y, onnx.Int32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2)}), nil)
	outputs, err := open(t, g).Run(t.Context(), Tensor{[]int64{1, 2}, []uint8{10, 20}})
	if err != nil {
		t.Fatal(err)
	}
	if got := outputs[0].Data.([]int32); !slices.Equal(got, []int32{70, 60}) {
		t.Errorf("product %v", got)
	}
}

func TestFloat32sOfIntegers(t *testing.T) {
	if _, err := (Tensor{[]int64{1}, []int32{1}}).Float32s(); err == nil || !strings.Contains(err.Error(), "[]int32") {
		t.Errorf("error %v", err)
	}
}
