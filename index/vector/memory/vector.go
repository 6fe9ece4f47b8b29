// Package vector finds the rows nearest to a query by exact scan. It holds unit
// vectors by photo id, in memory; where they come from, and the words of the
// query, are no business of its.
//
// # Exactness
//
// The score of a row x for a query q is the sum over i, in ascending order and
// in float64, of q[i]·x[i]. Both factors are float32, so each product is exact
// in float64, and the sum is the same on every processor, fused multiply-add or
// not. Search returns the K rows of the highest scores, of equal scores the
// lower ids, exactly.
//
// It gets there in two passes. The first scores every row in float32. With n
// dimensions, unit roundoff u = 2⁻²⁴ and rows and query no longer than 1+ε
// (ε = Tolerance, 10⁻³), the float32 dot product, summed in any order, is
// within
//
//	n·u/(1−n·u)·Σ|q[i]·x[i]| + n·2⁻¹⁴⁹  ≤  n·u/(1−n·u)·(1+ε)² + n·2⁻¹⁴⁹
//
// of the real one (the second term is for products too small for float32), and
// the float64 score is within the same expression for u = 2⁻⁵³. Both together
// are below 1.01·n·2⁻²⁴ while n ≤ MaxDimensions (16,384, where 1−n·u > 0.999):
// that is the margin, 2.3·10⁻⁵ for 384 dimensions. A row whose float32 score is
// more than two margins below the K-th best float32 score has K rows above it
// in float64 too, and is dropped; all others are scored again in float64.
package vector

import (
	"fmt"
	"math"
	"sync"
)

// Tolerance is how far from 1 the length of a row or a query may be.
const Tolerance = 1e-3

// MaxDimensions is the largest number of dimensions for which the margin holds.
const MaxDimensions = 16384

// An Index holds unit vectors by id. All methods may be called at the same
// time. A search sees the rows as they were when it began; it holds the lock
// only to note them, so it neither waits for writers nor keeps them waiting.
type Index struct {
	dimensions int

	mutex  sync.Mutex
	chunks []*chunk
	slots  map[int64]slot
}

// A slot says where the live row of an id is.
type slot struct {
	chunk *chunk
	row   int
}

// New makes an empty index. It panics unless dimensions is from 1 to
// MaxDimensions: the caller checks a bundle's manifest before it gets here.
func New(dimensions int) *Index {
	if dimensions < 1 || dimensions > MaxDimensions {
		panic(fmt.Sprintf("vector index: %d dimensions, want 1 to %d", dimensions, MaxDimensions))
	}
	return &Index{dimensions: dimensions, slots: map[int64]slot{}}
}

// Len is the number of rows that a search can find.
func (x *Index) Len() int {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return len(x.slots)
}

// Put stores a copy of the row of id, in place of any that it had. It refuses a
// wrong length, NaN, infinity, and a row that is not of unit length within
// Tolerance. Rows come from the catalogue, as unit vectors of which each value
// was rounded to float16: that changes a length by 2⁻¹¹ (5·10⁻⁴) or hardly
// more, for which Tolerance has room.
func (x *Index) Put(id int64, row []float32) error {
	if err := x.check(row); err != nil {
		return fmt.Errorf("vector of photo %d: %w", id, err)
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.remove(id)
	x.add(id, row)
	return nil
}

// Delete removes the row of id, and does nothing where there is none.
func (x *Index) Delete(id int64) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.remove(id)
}

func (x *Index) check(vector []float32) error {
	if len(vector) != x.dimensions {
		return fmt.Errorf("%d values, want %d", len(vector), x.dimensions)
	}
	square := 0.0
	for i, value := range vector {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("value %d is %v, want a finite number", i, value)
		}
		square += float64(value) * float64(value)
	}
	if length := math.Sqrt(square); math.Abs(length-1) > Tolerance {
		return fmt.Errorf("length is %.6g, want 1", length)
	}
	return nil
}
