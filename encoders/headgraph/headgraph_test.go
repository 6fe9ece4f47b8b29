package headgraph

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
)

// TestTagsByHand computes the probabilities again by the book.
func TestTagsByHand(t *testing.T) {
	t.Run("plain", func(t *testing.T) { byHand(t, true) })
	t.Run("prepared", func(t *testing.T) { byHand(t, false) })
}

func TestMapByHand(t *testing.T) {
	graph, err := Map{Weights: []float32{0, 2, 1, 0}, Offset: []float32{0, .5}}.Graph(2)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "map.onnx")
	if err := os.WriteFile(file, graph, 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := runtimetest.Load(t).Open(file, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	outputs, err := session.Run(t.Context(), runtime.Tensor{Shape: []int64{1, 2}, Data: []float32{3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := outputs[0].Float32s() // (.6, .8) goes to (.8, 1.2 + .5)
	if length := math.Hypot(.8, 1.7); err != nil || math.Abs(float64(got[0])-.8/length) > 1e-6 || math.Abs(float64(got[1])-1.7/length) > 1e-6 {
		t.Errorf("mapped to %v, %v", got, err)
	}
	if _, err := (Map{Weights: make([]float32, 4), Offset: make([]float32, 2)}).Graph(3); err == nil {
		t.Error("a map of another width was written")
	}
}

func byHand(t *testing.T, plain bool) {
	tags := Tags{
		Names: []string{"a", "b", "c"}, Weights: []float32{1, 2, 0, -1, .5, 3}, Bias: []float32{.1, -.2, -9}, Offset: []float32{.5, -1, 2},
		Slope: 1.5, Bend: .05, Plain: plain,
	}
	graph, err := tags.Graph(2)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tags.onnx")
	if err := os.WriteFile(file, graph, 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := runtimetest.Load(t).Open(file, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	outputs, err := session.Run(t.Context(), runtime.Tensor{Shape: []int64{2, 2}, Data: []float32{4, -9, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := outputs[0].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	entered := [2]float64{2, -3}
	if plain {
		entered = [2]float64{4, -9}
	}
	length := math.Hypot(entered[0], entered[1])
	for i, row := range [][2]float64{{entered[0] / length, entered[1] / length}, {0, 0}} {
		for tag := range tags.Names {
			score := float64(tags.Bias[tag]) + row[0]*float64(tags.Weights[2*tag]) + row[1]*float64(tags.Weights[2*tag+1])
			want := 1 / (1 + math.Exp(-(tags.Slope*math.Log(max(score, 0)+tags.Bend) + float64(tags.Offset[tag]))))
			if math.Abs(float64(got[3*i+tag])-want) > 1e-5 {
				t.Errorf("feature %d, tag %d: %v, want %v", i, tag, got[3*i+tag], want)
			}
		}
	}
	for _, width := range []int{0, 3} {
		if _, err := tags.Graph(width); err == nil || !strings.Contains(err.Error(), "6 weights") {
			t.Errorf("width %d: error %v", width, err)
		}
	}
}
