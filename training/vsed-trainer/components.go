package main

import (
	"errors"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// extra components are carried along while the others are found, and turns are taken:
// enough for the sum of squares that they leave to be within a thousandth of the least.
const (
	extra = 32
	turns = 3
)

// principal gives the directions, of unit length, along which rows spread most (about
// zero), by subspace iteration: a decomposition of the rows themselves would take
// minutes.
func principal(rows [][]float32, count int) ([][]float32, error) {
	z := packed(rows)
	wide := min(count+extra, z.Cols)
	random := rand.New(rand.NewPCG(1, 1))
	q := matrix(z.Cols, wide)
	for i := range q.Data {
		q.Data[i] = float32(random.NormFloat64())
	}
	y := matrix(z.Rows, wide)
	for range turns {
		blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, z, q, 0, y)
		blas32.Gemm(blas.Trans, blas.NoTrans, 1, z, y, 0, q)
		orthonormal(q)
	}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, z, q, 0, y)
	gram := matrix(wide, wide)
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, y, y, 0, gram)
	var of mat.EigenSym
	if !of.Factorize(mat.NewSymDense(wide, doubles(gram.Data)), true) {
		return nil, errors.New("the components of the features cannot be told apart: compute the features again")
	}
	var turn mat.Dense
	of.VectorsTo(&turn) // the least first
	directions := make([][]float32, count)
	for k := range directions {
		directions[k] = make([]float32, z.Cols)
		for i := range directions[k] {
			sum := 0.0
			for j := range wide {
				sum += float64(q.Data[i*wide+j]) * turn.At(j, wide-1-k)
			}
			directions[k][i] = float32(sum)
		}
	}
	return directions, nil
}

// orthonormal makes the columns of unit length and upright to each other.
func orthonormal(q blas32.General) {
	var of mat.QR
	of.Factorize(mat.NewDense(q.Rows, q.Cols, doubles(q.Data)))
	var columns mat.Dense
	of.QTo(&columns)
	for i := range q.Rows {
		for j := range q.Cols {
			q.Data[i*q.Cols+j] = float32(columns.At(i, j))
		}
	}
}

func doubles(values []float32) []float64 {
	list := make([]float64, len(values))
	for i, value := range values {
		list[i] = float64(value)
	}
	return list
}

func matrix(rows, columns int) blas32.General {
	return blas32.General{Rows: rows, Cols: columns, Stride: columns, Data: make([]float32, rows*columns)}
}

func packed(rows [][]float32) blas32.General {
	all := matrix(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(all.Data[i*all.Cols:], row)
	}
	return all
}

// steps takes values to the nearest multiple of a step, as many as an int8 counts.
func steps(value, step float32) int8 {
	return int8(max(-127, min(127, math.RoundToEven(float64(value/step)))))
}
