package feature

import (
	"math"
	"strings"
	"testing"
)

func TestFeatureKeepsEachPartsScale(t *testing.T) {
	widths := []int{3, 2, 2}
	stored := Quantise([]float32{1, -2, 0.5, 1000, -1, 0, 0}, widths)
	if len(stored) != Bytes(widths) || len(stored) != 19 {
		t.Fatalf("%d bytes", len(stored))
	}
	values, err := Dequantise(nil, stored, widths)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, -2, 0.5, 1000, 0, 0, 0} {
		scale := []float64{2, 2, 2, 1000, 1000, 1, 1}[i] / 127
		if got := float64(values[i]); math.Abs(got-want) > scale/2+1e-6 && want != 0 {
			t.Errorf("value %d is %v, want %v", i, got, want)
		}
	}
}

func TestDamagedFeatures(t *testing.T) {
	widths := []int{2}
	f := func(want string, feature []byte) {
		t.Helper()
		if _, err := Dequantise(nil, feature, widths); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("5 bytes long, not 6", make([]byte, 5))
	f("has scale NaN", []byte{0, 0, 0xc0, 0x7f, 1, 1})
	f("has scale -", []byte{0, 0, 0x80, 0xbf, 1, 1})
	f("has scale +Inf", []byte{0, 0, 0x80, 0x7f, 1, 1})
}

// FuzzDequantise reads any bytes as a feature: what is accepted is finite.
func FuzzDeQuantise(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x3f, 127, 1, 0x81})
	f.Add([]byte{0xff, 0xff, 0x7f, 0x7f, 127, 0x80, 0})
	f.Fuzz(func(t *testing.T, feature []byte) {
		values, err := Dequantise(nil, feature, []int{3})
		if err == nil && len(values) != 3 {
			t.Fatalf("%d values", len(values))
		}
		for i, value := range values {
			if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
				t.Fatalf("value %d is %v", i, value)
			}
		}
	})
}
