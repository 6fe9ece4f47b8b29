package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/onnx"
)

func TestInspect(t *testing.T) {
	g := onnx.NewGraph("halves")
	x := g.Input("x", onnx.Float16, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(1000)})
	w := g.Constant(onnx.Float16s(make([]uint16, 2000), 1000, 2))
	g.Output(g.Named("y", "MatMul", []*onnx.Value{x, w}), nil)
	model, weights, err := g.MarshalApart(onnx.Opset, "weights.data")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, data := range map[string][]byte{"model.onnx": model, "weights.data": weights} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Inspect(filepath.Join(folder, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if found.Precision != "float16" || !slices.Equal(found.Weights, []string{"weights.data"}) || found.Inputs[0].Name != "x" || found.Outputs[0].Name != "y" {
		t.Errorf("found %+v", found)
	}
	if err := os.Remove(filepath.Join(folder, "weights.data")); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(filepath.Join(folder, "model.onnx")); err == nil || !strings.Contains(err.Error(), "the file is missing") {
		t.Errorf("error %v", err)
	}
}
