package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/encoders/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load finds the library where `make model` puts it, or as the environment says.
func load(t testing.TB) *Library {
	t.Helper()
	path := os.Getenv(Environment)
	if path == "" {
		path = filepath.FromSlash("../../build/lib/libonnxruntime.so.1")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("no libonnxruntime: run `make model` first")
	}
	library, err := Load([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func open(t testing.TB, g *onnx.Graph) *Session {
	t.Helper()
	return openWith(t, g, Options{})
}

func openWith(t testing.TB, g *onnx.Graph, options Options) *Session {
	t.Helper()
	session, err := load(t).Open(write(t, marshal(t, g)), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func marshal(t testing.TB, g *onnx.Graph) []byte {
	t.Helper()
	model, err := g.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// write puts a model into a folder of its own.
func write(t testing.TB, model []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrittenGraphRuns(t *testing.T) {
	g := onnx.NewGraph("small")
	x := g.Input("x", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2)})
	y := g.Input("y", onnx.Uint8, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(1)})
	w := g.Constant(onnx.Float32s([]float32{1, 2, 3, 4}, 2, 2))
	cast := g.Op("Cast", []*onnx.Value{y}, onnx.Int("to", int64(onnx.Float32)))
	g.Output(g.Named("sum", "Add", []*onnx.Value{g.Op("MatMul", []*onnx.Value{x, w}), cast}), nil)
	best := g.Node("TopK", []*onnx.Value{x, g.Constant(onnx.Int64s([]int64{1}, 1))}, []string{"best", "place"})
	g.Output(best[1], nil)
	session := open(t, g)
	if got, want := session.Inputs[1], (Port{Name: "y", Type: "uint8", Dims: []int64{-1, 1}}); got.Name != want.Name || got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) {
		t.Errorf("second input is %v, want %v", got, want)
	}
	outputs, err := session.Run(t.Context(), Tensor{[]int64{1, 2}, []float32{10, 20}}, Tensor{[]int64{1, 1}, []uint8{5}})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := outputs[0].Float32s()
	if err != nil || !slices.Equal(sum, []float32{75, 105}) {
		t.Errorf("sum %v, %v", sum, err)
	}
	if place := outputs[1].Data.([]int64); !slices.Equal(place, []int64{1}) {
		t.Errorf("place %v", place)
	}
}

func TestWrongInputsAreRefused(t *testing.T) {
	g := onnx.NewGraph("small")
	g.Output(g.Named("y", "Relu", []*onnx.Value{g.Input("x", onnx.Float32, onnx.Sides(1, 2))}), nil)
	session := open(t, g)
	f := func(want string, inputs ...Tensor) {
		t.Helper()
		if _, err := session.Run(t.Context(), inputs...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("takes 1 inputs")
	f("takes 2 values, not 1", Tensor{[]int64{1, 2}, []float32{1}})
	f("cannot be given", Tensor{[]int64{1, 2}, []string{"a", "b"}})
	f(`input "x": tensor is int64, not float32`, Tensor{[]int64{1, 2}, []int64{1, 2}})
}

// TestCancelledRunStops chains products that take seconds in all and gives up
// while the first is under way.
func TestCancelledRunStops(t *testing.T) {
	const side, times = 1024, 400
	g := onnx.NewGraph("long")
	x := g.Input("x", onnx.Float32, onnx.Sides(side, side))
	y := x
	for range times {
		y = g.Op("MatMul", []*onnx.Value{y, x})
	}
	g.Output(g.Named("y", "Relu", []*onnx.Value{y}), nil)
	session := open(t, g)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := session.Run(ctx, Tensor{[]int64{side, side}, make([]float32, side*side)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopped after %v", took)
	}
	if _, err := session.Run(ctx); err == nil {
		t.Error("ran with an ended context")
	}
}

func TestDamagedModelIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.onnx")
	if err := os.WriteFile(path, []byte("not a model"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := load(t).Open(path, Options{})
	if err == nil || !strings.Contains(err.Error(), "broken.onnx") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}
