package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A source gives vectors one after another, each in a slice that it uses again.
type source interface {
	queries(count int) [][]float32
	rows(take func([]float32) error) error
}

// A drawn source draws as vector_search.py does, from another generator.
type drawn struct {
	random     *rand.Rand
	count      int
	dimensions int
	row        func(into []float64)
	query      func(into []float64)
}

func newDrawn(kind string, rows, dimensions int) (*drawn, error) {
	d := &drawn{random: rand.New(rand.NewPCG(7, 7)), count: rows, dimensions: dimensions}
	switch kind {
	case "clustered":
		d.clustered()
	case "crossmodal":
		d.crossmodal()
	default:
		return nil, fmt.Errorf("--draw %s: want clustered or crossmodal", kind)
	}
	return d, nil
}

func (d *drawn) noise(into []float64) []float64 {
	for i := range into {
		into[i] = d.random.NormFloat64()
	}
	return into
}

// clustered is as pictures are to pictures: a shared mean, a falling spectrum,
// loose clusters.
func (d *drawn) clustered() {
	mean, spectrum := d.noise(make([]float64, d.dimensions)), make([]float64, d.dimensions)
	for i := range spectrum {
		spectrum[i] = math.Pow(float64(i+1), -0.4)
	}
	centres := make([][]float32, d.count/100+1)
	for i := range centres {
		centres[i] = make([]float32, d.dimensions)
		for j := range centres[i] {
			centres[i][j] = float32(d.random.NormFloat64() * spectrum[j])
		}
	}
	around := func(width float64) func([]float64) {
		return func(into []float64) {
			centre := centres[d.random.IntN(len(centres))]
			for i := range into {
				into[i] = 0.3*mean[i] + float64(centre[i]) + width*d.random.NormFloat64()*spectrum[i]
			}
		}
	}
	d.row, d.query = around(0.8), around(1.2)
}

// crossmodal is as sentences are to pictures: a shared mean, one outlier
// dimension, cosines of 0.2 ± 0.03.
func (d *drawn) crossmodal() {
	n := d.dimensions
	mean := d.noise(make([]float64, n))
	normalise(mean)
	d.row = func(into []float64) {
		for i := range into {
			into[i] = 0.45*mean[i] + 0.8*d.random.NormFloat64()/math.Sqrt(float64(n))
		}
		into[n/3] += 0.4
	}
	some := make([][]float64, 2000)
	for i := range some {
		some[i] = make([]float64, n)
		d.row(some[i])
		normalise(some[i])
	}
	base, _ := spread(some, mean)
	d.query = func(into []float64) {
		normalise(d.noise(into))
		average, deviation := spread(some, into)
		gain := 0.03 / max(deviation, 1e-6)
		for i := range into {
			into[i] = gain*into[i] + (0.2-gain*average)/base*mean[i]
		}
	}
}

// spread is the mean and the deviation of the products with the rows.
func spread(rows [][]float64, with []float64) (mean, deviation float64) {
	square := 0.0
	for _, row := range rows {
		product := 0.0
		for i, value := range row {
			product += value * with[i]
		}
		mean += product / float64(len(rows))
		square += product * product / float64(len(rows))
	}
	return mean, math.Sqrt(max(0, square-mean*mean))
}

func normalise(values []float64) {
	square := 0.0
	for _, value := range values {
		square += value * value
	}
	for i := range values {
		values[i] /= math.Sqrt(square)
	}
}

func (d *drawn) queries(count int) (queries [][]float32) {
	values := make([]float64, d.dimensions)
	for range count {
		d.query(values)
		queries = append(queries, d.unit(values, make([]float32, d.dimensions)))
	}
	return queries
}

func (d *drawn) rows(take func([]float32) error) error {
	values, row := make([]float64, d.dimensions), make([]float32, d.dimensions)
	for range d.count {
		d.row(values)
		if err := take(d.unit(values, row)); err != nil {
			return err
		}
	}
	return nil
}

func (d *drawn) unit(values []float64, into []float32) []float32 {
	normalise(values)
	for i, value := range values {
		into[i] = float32(value)
	}
	return into
}
