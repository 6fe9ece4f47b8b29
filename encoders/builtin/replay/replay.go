// Package replay is the file of captioned pictures that learning on a device goes over
// again, so that what the heads knew stays known: numbers only, of which no photo and no
// text can be had. Training writes it, learning reads it; it knows neither.
//
// Rows are kept as amounts in steps, int8. Those to go over again are sums of components,
// which all rows share: the few that say most. Those that guard are kept value by value,
// since what components cannot show would be forgotten unseen. Amounts of one component
// lie together, because they spread alike; so Huffman's code (compress/flate) brings rare
// components, which most rows have nearly nothing of, to a bit and less than two.
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
	Train       Part // to go over again
	Guard       Part // held apart: what it loses shows what was forgotten
}

// A Part are pictures and their captions. Captions of a picture follow each other, in
// the order of the pictures.
type Part struct {
	Pictures Code
	Captions Code
	Counts   []byte // captions of each picture
}

// A Code are rows as amounts of components.
type Code struct {
	Width   int       // of a row
	Steps   []float32 // of each component: it counts amount times step
	Basis   []int8    // a component a row, [components, width]; empty: each value is one
	Amounts []int8    // [components, rows]
}

// Rows are a part's as learning takes them.
type Rows struct {
	Pictures [][]float32 // prepared, less the mean, times the scale
	Captions [][]float32 // sentence features, of about unit length
	Owner    []int       // place of each caption's picture
}

// Rows gives back what the amounts stand for.
func (p Part) Rows() Rows {
	rows := Rows{Pictures: p.Pictures.rows(), Captions: p.Captions.rows()}
	for picture, count := range p.Counts {
		for range count {
			rows.Owner = append(rows.Owner, picture)
		}
	}
	return rows
}

// rows are sums of components, in one block of memory.
func (c Code) rows() [][]float32 {
	count := len(c.Amounts) / len(c.Steps)
	scaled := general(len(c.Steps), count)
	for i, amount := range c.Amounts {
		scaled.Data[i] = float32(amount) * c.Steps[i/count]
	}
	block := general(count, c.Width)
	if len(c.Basis) == 0 {
		for i, value := range scaled.Data {
			block.Data[i%count*c.Width+i/count] = value
		}
	} else {
		blas32.Gemm(blas.Trans, blas.NoTrans, 1, scaled, c.basis(), 0, block)
	}
	rows := make([][]float32, count)
	for i := range rows {
		rows[i] = block.Data[i*c.Width : (i+1)*c.Width : (i+1)*c.Width]
	}
	return rows
}

func (c Code) basis() blas32.General {
	basis := general(len(c.Steps), c.Width)
	for i, value := range c.Basis {
		basis.Data[i] = float32(value)
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

func (c Code) check(what string, rows int) error {
	components := len(c.Steps)
	switch {
	case c.Width < 1 || c.Width > mostWidth || components < 1 || components > c.Width:
		return fmt.Errorf("%s of %d values in %d components", what, c.Width, components)
	case len(c.Basis) != c.Width*components && (len(c.Basis) > 0 || components != c.Width):
		return fmt.Errorf("components of %s have %d values, not %d", what, len(c.Basis), c.Width*components)
	case rows < 1 || len(c.Amounts) != rows*components:
		return fmt.Errorf("%d %s have %d amounts of %d components", rows, what, len(c.Amounts), components)
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
	for _, part := range []Part{s.Train, s.Guard} {
		captions := 0
		for _, count := range part.Counts {
			captions += int(count)
		}
		if err := part.Pictures.check("pictures", len(part.Counts)); err != nil {
			return err
		}
		if err := part.Captions.check("captions", captions); err != nil {
			return err
		}
		if len(s.Mean) != part.Pictures.Width || len(s.Scale) != part.Pictures.Width || part.Captions.Width != s.Train.Captions.Width {
			return fmt.Errorf("means of %d and scales of %d values, pictures of %d and captions of %d, of %d in training",
				len(s.Mean), len(s.Scale), part.Pictures.Width, part.Captions.Width, s.Train.Captions.Width)
		}
	}
	if err := finite("means", s.Mean); err != nil {
		return err
	}
	return finite("scales", s.Scale)
}
