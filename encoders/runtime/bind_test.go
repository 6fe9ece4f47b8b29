package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/onnx"
)

// twice is a model that adds its two inputs.
func twice() *onnx.Graph {
	g := onnx.NewGraph("twice")
	x, y := g.Input("x", onnx.Float32, onnx.Sides(1, 2)), g.Input("y", onnx.Float32, onnx.Sides(1, 2))
	g.Output(g.Named("sum", "Add", []*onnx.Value{x, y}), nil)
	return g
}

func TestBoundSlicesAreUsedInPlace(t *testing.T) {
	x, sum := []float32{1, 2}, make([]float32, 2)
	side := []int64{1, 2}
	bound, err := open(t, twice()).Bind([]Tensor{{side, x}, {side, x}}, []Tensor{{side, sum}})
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	for _, first := range []float32{1, 10} {
		x[0] = first
		if err := bound.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []float32{2 * first, 4}; !slices.Equal(sum, want) {
			t.Errorf("sum %v, want %v", sum, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bound.Run(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWhatDoesNotFitIsNotBound(t *testing.T) {
	session := open(t, twice())
	good, bad := Tensor{[]int64{1, 2}, make([]float32, 2)}, Tensor{[]int64{1, 2}, make([]float64, 2)}
	f := func(want string, inputs, outputs []Tensor) {
		t.Helper()
		if _, err := session.Bind(inputs, outputs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("not 1 and 1", []Tensor{good}, []Tensor{good})
	f(`input "y": tensor is float64, not float32`, []Tensor{good, bad}, []Tensor{good})
	f(`output "sum": tensor is float64`, []Tensor{good, good}, []Tensor{bad})
}
