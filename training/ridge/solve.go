package ridge

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// tileRows is how many rows are standardised at a time: enough for a product to be
// fast, and small beside the matrix.
const tileRows = 256

// solveDual is for fewer photos than values: W = Zᵀ (Z Zᵀ + λ)⁻¹ Y.
func solveDual(s *solver, t *targets, lambda float64) (blas64.General, error) {
	z := general(len(s.used), s.width)
	y := general(len(s.used), len(t.tags))
	for n, row := range s.used {
		s.read(z.Data[n*z.Stride:(n+1)*z.Stride], n)
		line := y.Data[n*y.Stride : (n+1)*y.Stride]
		if base := t.marks(row, func(tag int, beyond float64) { line[tag] = beyond }); base {
			for tag, share := range t.share {
				line[tag] -= share
			}
		}
	}
	kernel := symmetric(len(s.used))
	blas64.Syrk(blas.NoTrans, 1, z, 0, kernel)
	factor, err := factorise(kernel, lambda)
	if err != nil {
		return y, err
	}
	substitute(factor, y)
	weights := general(s.width, len(t.tags))
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, z, y, 0, weights)
	return weights, nil
}

// solvePrimal is for more: W = (Zᵀ Z + λ)⁻¹ Zᵀ Y. Rows are read tile by tile, and Y
// is never written out: it is its marks and, for each photo with tags, the shares.
func solvePrimal(s *solver, t *targets, lambda float64) (blas64.General, error) {
	gram := symmetric(s.width)
	weights := general(s.width, len(t.tags)) // Zᵀ Y first
	byTag := general(len(t.tags), s.width)   // its transpose, in which a mark is a run of numbers
	tile := general(tileRows, s.width)
	sum := make([]float64, s.width) // of the photos with tags
	for begin := 0; begin < len(s.used); begin += tileRows {
		part := tile
		part.Rows = min(tileRows, len(s.used)-begin)
		for n := range part.Rows {
			line := tile.Data[n*tile.Stride : (n+1)*tile.Stride]
			s.read(line, begin+n)
			base := t.marks(s.used[begin+n], func(tag int, beyond float64) {
				add(byTag.Data[tag*byTag.Stride:(tag+1)*byTag.Stride], beyond, line)
			})
			if base {
				add(sum, 1, line)
			}
		}
		blas64.Syrk(blas.Trans, 1, part, 1, gram)
	}
	for tag, share := range t.share {
		for j := range s.width {
			weights.Data[j*weights.Stride+tag] = byTag.Data[tag*byTag.Stride+j] - share*sum[j]
		}
	}
	factor, err := factorise(gram, lambda)
	if err != nil {
		return weights, err
	}
	substitute(factor, weights)
	return weights, nil
}

// columnsAtATime is how many tags one goroutine solves for: gonum solves for all on
// one core.
const columnsAtATime = 64

// substitute replaces the right sides, a column a tag, by the solutions. A column's
// does not depend on the others'.
func substitute(factor blas64.Triangular, sides blas64.General) {
	var group sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for begin := 0; begin < sides.Cols; begin += columnsAtATime {
		part := sides
		part.Cols = min(columnsAtATime, sides.Cols-begin)
		part.Data = sides.Data[begin:]
		turn <- struct{}{}
		group.Go(func() {
			lapack64.Potrs(factor, part)
			<-turn
		})
	}
	group.Wait()
}

func add(into []float64, times float64, values []float64) {
	for i, value := range values {
		into[i] += times * value
	}
}

func general(rows, columns int) blas64.General {
	return blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: make([]float64, rows*columns)}
}

func symmetric(side int) blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Upper, N: side, Stride: side, Data: make([]float64, side*side)}
}
