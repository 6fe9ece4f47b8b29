package encoder

import (
	"fmt"
	"testing"

	"github.com/x448/float16"

	"vsed/encoders/bundle"
)

// TestPixelsInEveryLayoutAndType fills a batch of two with one picture of two
// pixels side by side.
func TestPixelsInEveryLayoutAndType(t *testing.T) {
	f := func(layout, kind string, normalised bool, want string) {
		t.Helper()
		about := bundle.Picture{Width: 2, Height: 1, Layout: layout, Type: kind}
		if normalised {
			about.Mean, about.Deviation = []float64{0, 0.2, 0.4}, []float64{1, 0.5, 0.1}
		}
		fill, err := newFiller(about)
		if err != nil {
			t.Fatal(err)
		}
		filled := fill([][]byte{{0, 51, 102, 255, 153, 204}}, 2)
		if halves, ok := filled.Data.([]float16.Float16); ok {
			wide := make([]float32, len(halves))
			for i, half := range halves {
				wide[i] = half.Float32()
			}
			filled.Data = wide
		}
		if got := fmt.Sprintf("%v %.2v", filled.Shape, filled.Data); got != want {
			t.Errorf("%s %s: %s, want %s", layout, kind, got, want)
		}
	}
	f("NHWC", "uint8", false, "[2 1 2 3] [00 51 102 255 153 204 00 00 00 00 00 00]")
	f("NCHW", "uint8", false, "[2 3 1 2] [00 255 51 153 102 204 00 00 00 00 00 00]")
	f("NHWC", "float32", true, "[2 1 2 3] [0 0 0 1 0.8 4 0 0 0 0 0 0]")
	f("NCHW", "float32", true, "[2 3 1 2] [0 1 0 0.8 0 4 0 0 0 0 0 0]")
	f("NCHW", "float16", true, "[2 3 1 2] [0 1 0 0.8 0 4 0 0 0 0 0 0]")
	f("NHWC", "float32", false, "[2 1 2 3] [0 51 1e+02 2.6e+02 1.5e+02 2e+02 0 0 0 0 0 0]")
}
