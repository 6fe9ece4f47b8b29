package classnames

import (
	"math"
	"testing"

	"vsed/encoders/bundle"
)

func TestParts(t *testing.T) {
	heads, names := bundle.VectorPart{Name: "heads", Dimensions: 2, Weight: 1}, bundle.VectorPart{Name: "class_names", Dimensions: 2, Weight: .5}
	part, ok := Find([]bundle.VectorPart{heads, names})
	if !ok {
		t.Fatal("no class names were found")
	}
	if row := part.Of([]float32{.8, 0, 0, -.6}); len(row) != 2 || row[0] != 0 || math.Abs(float64(row[1])+1) > 1e-6 {
		t.Errorf("a photo's class names are %v, want 0, -1", row)
	}
	if emphasis := part.Emphasis([]float32{0, .6, .8, 0}); math.Abs(emphasis-2*.8/.6) > 1e-6 {
		t.Errorf("emphasis %v, want %v", emphasis, 2*.8/.6)
	}
	for _, without := range [][]bundle.VectorPart{nil, {heads}, {names}} {
		if _, ok := Find(without); ok {
			t.Errorf("found class names beside heads in %v", without)
		}
	}
}
