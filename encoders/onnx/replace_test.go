package onnx

import (
	"bytes"
	"strings"
	"testing"
)

func linearModel(t *testing.T, weights []float32, weightsFile string) []byte {
	t.Helper()
	g := NewGraph("linear")
	rows := g.Input("rows", Float32, Shape{Symbol("N"), Fixed(2)})
	product := g.Op("MatMul", []*Value{rows, g.NamedConstant("weights", Float32s(weights, 2, int64(len(weights)/2)))})
	g.Output(g.Op("Add", []*Value{product, g.NamedConstant("scale", Float32s([]float32{weights[0]}))}), nil)
	model, _, err := g.MarshalApart(Opset, weightsFile)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// TestReplaceGivesTheModelThatWouldHaveBeenWritten byte by byte.
func TestReplaceGivesTheModelThatWouldHaveBeenWritten(t *testing.T) {
	old, want := []float32{1, 2, 3, 4, 5, 6}, []float32{-1, .5, 7, 8, 9, 10}
	got, err := Replace(linearModel(t, old, ""), map[string]Tensor{"weights": Float32s(want, 2, 3), "scale": Float32s(want[:1])})
	if err != nil || !bytes.Equal(got, linearModel(t, want, "")) {
		t.Errorf("another model, %v", err)
	}
	if same, err := Replace(linearModel(t, old, ""), nil); err != nil || !bytes.Equal(same, linearModel(t, old, "")) {
		t.Errorf("nothing was replaced, and the model is another one, %v", err)
	}
}

func TestReplaceRefuses(t *testing.T) {
	sound := linearModel(t, []float32{1, 2, 3, 4}, "")
	f := func(want string, model []byte, with map[string]Tensor) {
		t.Helper()
		if _, err := Replace(model, with); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(`no constant "bias"`, sound, map[string]Tensor{"bias": Float32s([]float32{1})})
	f("is float32 [2 2], not float32 [4]", sound, map[string]Tensor{"weights": Float32s(make([]float32, 4), 4)})
	f("is float32 [2 2], not float64 [2 2]", sound, map[string]Tensor{"weights": Float64s(make([]float64, 4), 2, 2)})
	f("takes 16 bytes", sound, map[string]Tensor{"weights": {Float32, []int64{2, 2}, nil}})
	f("no ONNX model", sound[:len(sound)-3], nil)
	f("no ONNX model", []byte("\xff\xff"), nil)
	f(`two constants "scale"`, append(sound, sound...), map[string]Tensor{"scale": Float32s([]float32{1})})
	large := make([]float32, 2*smallWeights)
	f("in the model itself", linearModel(t, large, "weights.data"), map[string]Tensor{"weights": Float32s(large, 2, smallWeights)})
}
