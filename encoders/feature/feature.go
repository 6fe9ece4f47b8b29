// Package feature is the form in which a picture's feature is stored: what an
// encoder that keeps features writes, and learning reads. What the values mean is
// the bundle's to say.
//
// A stored feature is, for each part, a float32 scale, little-endian, and then
// for each part its values as int8: value = scale · int8. Nothing but this form
// is ever projected, so that a vector does not depend on whether its feature has
// been stored in between.
package feature

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Bytes is the length of a stored feature with parts of these widths.
func Bytes(widths []int) int {
	total := 4 * len(widths)
	for _, width := range widths {
		total += width
	}
	return total
}

// Quantise stores a feature; the largest value of a part becomes ±127.
func Quantise(values []float32, widths []int) []byte {
	feature := make([]byte, 0, Bytes(widths))
	scales := make([]float32, len(widths))
	rest := values
	for i, width := range widths {
		var largest float32
		for _, value := range rest[:width] {
			largest = max(largest, float32(math.Abs(float64(value))))
		}
		scales[i] = largest / 127
		feature = binary.LittleEndian.AppendUint32(feature, math.Float32bits(scales[i]))
		rest = rest[width:]
	}
	for i, width := range widths {
		for _, value := range values[:width] {
			feature = append(feature, byte(step(value, scales[i])))
		}
		values = values[width:]
	}
	return feature
}

// step is the int8 nearest to value/scale; a part of zeros has scale 0.
func step(value, scale float32) int8 {
	if scale == 0 {
		return 0
	}
	return int8(max(-127, min(127, math.RoundToEven(float64(value)/float64(scale)))))
}

// Dequantise appends the values of a stored feature to into.
func Dequantise(into []float32, feature []byte, widths []int) ([]float32, error) {
	if err := Check(feature, widths); err != nil {
		return nil, err
	}
	return Values(into, feature, widths), nil
}

// Check tells what is wrong with a stored feature.
func Check(feature []byte, widths []int) error {
	if len(feature) != Bytes(widths) {
		return fmt.Errorf("feature is %d bytes long, not %d", len(feature), Bytes(widths))
	}
	for i := range widths {
		if scale := scaleOf(feature, i); !(scale >= 0 && scale <= math.MaxFloat32/128) { // NaN fails too
			return fmt.Errorf("feature part %d has scale %v", i, scale)
		}
	}
	return nil
}

// Values is Dequantise for a feature that has passed Check.
func Values(into []float32, feature []byte, widths []int) []float32 {
	values := feature[4*len(widths):]
	for i, width := range widths {
		scale := scaleOf(feature, i)
		for _, value := range values[:width] {
			into = append(into, scale*float32(int8(value)))
		}
		values = values[width:]
	}
	return into
}

func scaleOf(feature []byte, part int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(feature[4*part:]))
}
