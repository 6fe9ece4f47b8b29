package model

import (
	"fmt"
	"math"
)

// Rows are features of pictures, read one at a time: a *features.Pictures.
type Rows interface {
	Len() int
	Width() int
	Row(into []float32, i int) []float32
}

// Prepare brings a picture's feature, in place, to the form that is standardised: the
// root with the value's sign takes the weight off single large activations, unit
// length the contrast of the photo.
func Prepare(feature []float32) {
	var square float64
	for i, value := range feature {
		root := math.Copysign(math.Sqrt(math.Abs(float64(value))), float64(value))
		square += root * root
		feature[i] = float32(root)
	}
	if square == 0 {
		return
	}
	length := math.Sqrt(square)
	for i, value := range feature {
		feature[i] = float32(float64(value) / length)
	}
}

// A Standard gives each prepared value a mean of 0 and a deviation of 1 over the
// pictures that it was measured on.
type Standard struct {
	Mean  []float32
	Scale []float32 // one over the deviation; 0 for a value that never changes
}

// leastDeviation of a value, as a share of the largest: what is below is rounding.
const leastDeviation = 1e-6

// MeasureStandard reads all rows, of which the first width values count, and prepares
// them.
func MeasureStandard(rows Rows, width int) (*Standard, error) {
	if rows.Len() == 0 || width < 1 || width > rows.Width() {
		return nil, fmt.Errorf("%d pictures with features of %d values, of which %d are asked: there is nothing to measure", rows.Len(), rows.Width(), width)
	}
	sum, squares := make([]float64, width), make([]float64, width)
	var row []float32
	for i := range rows.Len() {
		row = rows.Row(row[:0], i)[:width]
		Prepare(row)
		for j, value := range row {
			sum[j] += float64(value)
			squares[j] += float64(value) * float64(value)
		}
	}
	s := &Standard{make([]float32, width), make([]float32, width)}
	count, largest := float64(rows.Len()), 0.0
	for j := range sum {
		mean := sum[j] / count
		s.Mean[j] = float32(mean)
		squares[j] = math.Sqrt(max(0, squares[j]/count-mean*mean))
		largest = max(largest, squares[j])
	}
	for j, deviation := range squares {
		if deviation > leastDeviation*largest {
			s.Scale[j] = float32(1 / deviation)
		}
	}
	return s, nil
}

// Read gives the rows prepared and standardised, in one block of memory.
func (s *Standard) Read(rows Rows) [][]float32 {
	width := len(s.Mean)
	block := make([]float32, rows.Len()*width)
	read := make([][]float32, rows.Len())
	var row []float32
	for i := range read {
		row = rows.Row(row[:0], i)[:width]
		Prepare(row)
		read[i] = block[i*width : (i+1)*width : (i+1)*width]
		for j, value := range row {
			read[i][j] = (value - s.Mean[j]) * s.Scale[j]
		}
	}
	return read
}

// Folded is a head that takes prepared features without the standard, and gives the
// same: what is used outside of training.
func (s *Standard) Folded(h *Head) *Head {
	folded := h.Clone()
	shift := make([]float64, h.Hidden)
	for i := range h.Inputs {
		row := folded.HiddenWeights[i*h.Hidden : (i+1)*h.Hidden]
		for j, value := range row {
			row[j] = value * s.Scale[i]
			shift[j] += float64(row[j]) * float64(s.Mean[i])
		}
	}
	for j := range folded.HiddenOffset {
		folded.HiddenOffset[j] = float32(float64(folded.HiddenOffset[j]) - shift[j])
	}
	return folded
}

// Unfolded is what Folded was made of: a head to go on learning with. A value that never
// changed has no weights, in either.
func (s *Standard) Unfolded(h *Head) *Head {
	unfolded := h.Clone()
	shift := make([]float64, h.Hidden)
	for i := range h.Inputs {
		row := unfolded.HiddenWeights[i*h.Hidden : (i+1)*h.Hidden]
		for j, value := range row {
			shift[j] += float64(value) * float64(s.Mean[i])
			if row[j] = 0; s.Scale[i] > 0 {
				row[j] = value / s.Scale[i]
			}
		}
	}
	for j := range unfolded.HiddenOffset {
		unfolded.HiddenOffset[j] = float32(float64(unfolded.HiddenOffset[j]) + shift[j])
	}
	return unfolded
}

// SentenceScale multiplies the features of sentences, of unit length, so that a value
// has a deviation of about 1: √384.
const SentenceScale = 19.6

// Scaled gives the features of sentences as a head takes them.
func Scaled(sentences [][]float32) [][]float32 {
	scaled := make([][]float32, len(sentences))
	for i, sentence := range sentences {
		scaled[i] = make([]float32, len(sentence))
		for j, value := range sentence {
			scaled[i][j] = SentenceScale * value
		}
	}
	return scaled
}
