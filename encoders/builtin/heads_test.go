package builtin

import (
	"math"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/runtime"
)

// drawnHead has weights that anyone can draw alike.
func drawnHead(inputs, hidden, outputs int) heads.Head {
	layer := func(inputs, outputs int) heads.Layer {
		weights, offset := make([]float32, inputs*outputs), make([]float32, outputs)
		for i := range weights {
			weights[i] = float32(math.Sin(float64(i)))
		}
		for i := range offset {
			offset[i] = float32(math.Cos(float64(i)))
		}
		return heads.NewLayer(inputs, outputs, weights, offset)
	}
	return heads.Head{Hidden: layer(inputs, hidden), Output: layer(hidden, outputs)}
}

func drawnHeads(features, sentence int) *heads.File {
	return &heads.File{SentenceScale: 3, ClassNames: .5, Picture: drawnHead(features, 6, 4), Sentence: drawnHead(sentence, 5, 4)}
}

// byHand runs a row through a head in float64.
func byHand(head heads.Head, row []float64) []float64 {
	for i, layer := range []heads.Layer{head.Hidden, head.Output} {
		weights := layer.Values()
		next := make([]float64, layer.Outputs)
		for j := range next {
			next[j] = float64(layer.Offset[j])
			for k, value := range row {
				next[j] += value * float64(weights[k*layer.Outputs+j])
			}
			if i == 0 {
				next[j] = max(0, next[j])
			}
		}
		row = next
	}
	return scaled(row, 1)
}

// scaled gives a row another length.
func scaled(row []float64, length float64) []float64 {
	var square float64
	for _, value := range row {
		square += value * value
	}
	result := make([]float64, len(row))
	for i, value := range row {
		result[i] = value * length / math.Sqrt(square)
	}
	return result
}

func compare(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d values, want %d", what, len(got), len(want))
	}
	for i, value := range want {
		if math.Abs(float64(got[i])-value) > 1e-4 {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], value)
		}
	}
}

// TestHeadsStandBeforeTheClassNames computes both vectors again by the book.
func TestHeadsStandBeforeTheClassNames(t *testing.T) {
	model := network(t)
	trained := drawnHeads(featureWidth, 3)
	names := make([][]float32, classes)
	for i := range names {
		names[i] = []float32{float32(math.Sin(float64(i))) * .7, float32(math.Cos(float64(3 * i))), float32(i%7) / 7}
	}
	features, prepared := make([]float32, featureWidth), make([]float64, featureWidth)
	for i := range features {
		features[i] = float32(i*i%101)/1000 - .01
		prepared[i] = math.Copysign(math.Sqrt(math.Abs(float64(features[i]))), float64(features[i]))
	}
	run := func(trained *heads.File) []float32 {
		graph, err := ProjectionGraph(model, names, trained)
		if err != nil {
			t.Fatal(err)
		}
		return runGraph(t, graph, runtime.Tensor{Shape: []int64{1, featureWidth}, Data: features})
	}
	want := scaled(byHand(trained.Picture, scaled(prepared, 1)), 1/math.Sqrt(1.25))
	for _, value := range run(nil) {
		want = append(want, float64(value)*.5/math.Sqrt(1.25))
	}
	compare(t, "the picture's vector", run(trained), want)

	graph, err := SentenceGraph(names, trained)
	if err != nil {
		t.Fatal(err)
	}
	sentence := []float32{.6, 0, -.8}
	share := nameShareByHand(names, sentence, .5)
	if share < .1 || share > .9 {
		t.Fatalf("a share of %.3f tells little", share)
	}
	rest, root := math.Sqrt(1-share), math.Sqrt(share)
	want = append(scaled(byHand(trained.Sentence, []float64{1.8, 0, -2.4}), rest), .6*root, 0, -.8*root)
	compare(t, "the sentence's vector", runGraph(t, graph, runtime.Tensor{Shape: []int64{1, 3}, Data: sentence}), want)
}

// nameShareByHand is the share of the class names in the square of a sentence's length.
func nameShareByHand(names [][]float32, sentence []float32, weight float64) float64 {
	var cosines []float64
	for _, name := range names {
		var sum float64
		for i, value := range name {
			sum += float64(value) * float64(sentence[i])
		}
		cosines = append(cosines, sum)
	}
	slices.Sort(cosines)
	var mean float64
	for _, cosine := range cosines[len(cosines)-nearestNames:] {
		mean += cosine / nearestNames
	}
	odds := weight * weight * math.Exp(nameSlope*(mean-nameCosine))
	return odds / (1 + odds)
}

func TestHeadsOfOtherFeaturesAreRefused(t *testing.T) {
	names := make([][]float32, classes)
	for i := range names {
		names[i] = []float32{1}
	}
	_, err := ProjectionGraph(network(t), names, drawnHeads(1280, 3))
	if err == nil || !strings.Contains(err.Error(), "takes 1280 values, a feature has 3104") {
		t.Errorf("error %v", err)
	}
}
