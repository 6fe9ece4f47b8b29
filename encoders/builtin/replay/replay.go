// Package replay is the file of captioned pictures that learning on a device goes over
// again, so that what the heads knew stays known: numbers only, of which no photo and no
// text can be had. Training writes it, learning reads it; it knows neither.
//
// Rows are not kept as they are. Each is a sum of components, which all rows share, and
// what is kept of a row are the components' amounts in steps, as int8: the few that say
// most. Amounts of one component lie together, because they spread alike; so Huffman's
// code (compress/flate) brings rare components, which most rows have nearly nothing of,
// to a bit and less than two.
package replay

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// A Set is what a file holds.
type Set struct {
	// Mean and Scale bring the prepared feature of a picture to the form in which heads
	// are trained: less the mean, times the scale.
	Mean, Scale []float32
	Pictures    Code
	Captions    Code
	Train       Part // to go over again
	Guard       Part // held apart: what it loses shows what was forgotten
}

// A Code is a list of components, whose sums are rows.
type Code struct {
	Width int       // of a row
	Steps []float32 // of the amount of each component: a component counts amount times step
	Basis []int8    // a component a row, [components, width], in 127ths
}

// A Part are pictures and their captions. Captions of a picture follow each other, in
// the order of the pictures.
type Part struct {
	Pictures []int8 // amounts, [components, pictures]
	Captions []int8 // amounts, [components, captions]
	Counts   []byte // captions of each picture
}

// Rows are a part's as learning takes them.
type Rows struct {
	Pictures [][]float32 // prepared, less the mean, times the scale
	Captions [][]float32 // sentence features, of about unit length
	Owner    []int       // place of each caption's picture
}

// Rows gives back what the amounts stand for.
func (s *Set) Rows(of Part) Rows {
	rows := Rows{Pictures: s.Pictures.rows(of.Pictures), Captions: s.Captions.rows(of.Captions)}
	for picture, count := range of.Counts {
		for range count {
			rows.Owner = append(rows.Owner, picture)
		}
	}
	return rows
}

// Components is how many there are.
func (c Code) Components() int { return len(c.Steps) }

// rows are sums of components, in one block of memory.
func (c Code) rows(amounts []int8) [][]float32 {
	components := c.Components()
	count := len(amounts) / components
	scaled := general(components, count)
	for i, amount := range amounts {
		scaled.Data[i] = float32(amount) * c.Steps[i/count]
	}
	block := general(count, c.Width)
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, scaled, c.basis(), 0, block)
	rows := make([][]float32, count)
	for i := range rows {
		rows[i] = block.Data[i*c.Width : (i+1)*c.Width : (i+1)*c.Width]
	}
	return rows
}

func (c Code) basis() blas32.General {
	basis := general(c.Components(), c.Width)
	for i, value := range c.Basis {
		basis.Data[i] = float32(value) / 127
	}
	return basis
}

func general(rows, columns int) blas32.General {
	return blas32.General{Rows: rows, Cols: columns, Stride: columns, Data: make([]float32, rows*columns)}
}

// limits of what a file may speak of.
const (
	mostWidth = 1 << 16
	mostBytes = 1 << 28
)

func (c Code) check(what string) error {
	if c.Width < 1 || c.Width > mostWidth || c.Components() < 1 || c.Components() > c.Width {
		return fmt.Errorf("%s of %d values in %d components", what, c.Width, c.Components())
	}
	if len(c.Basis) != c.Width*c.Components() {
		return fmt.Errorf("components of %s have %d values, not %d", what, len(c.Basis), c.Width*c.Components())
	}
	return finite("steps of "+what, c.Steps)
}

func finite(what string, values []float32) error {
	for _, value := range values {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("%s hold %v", what, value)
		}
	}
	return nil
}

func (s *Set) check() error {
	for _, one := range []struct {
		what string
		Code
	}{{"pictures", s.Pictures}, {"captions", s.Captions}} {
		if err := one.check(one.what); err != nil {
			return err
		}
	}
	if len(s.Mean) != s.Pictures.Width || len(s.Scale) != s.Pictures.Width {
		return fmt.Errorf("means of %d and scales of %d values, of %d", len(s.Mean), len(s.Scale), s.Pictures.Width)
	}
	if err := finite("means", s.Mean); err != nil {
		return err
	}
	if err := finite("scales", s.Scale); err != nil {
		return err
	}
	for _, part := range []Part{s.Train, s.Guard} {
		captions := 0
		for _, count := range part.Counts {
			captions += int(count)
		}
		if len(part.Pictures) != len(part.Counts)*s.Pictures.Components() || len(part.Captions) != captions*s.Captions.Components() {
			return fmt.Errorf("%d pictures with %d captions have %d and %d amounts", len(part.Counts), captions, len(part.Pictures), len(part.Captions))
		}
		if captions == 0 {
			return fmt.Errorf("%d pictures have no caption", len(part.Counts))
		}
	}
	return nil
}
