// Package kernel holds the inner loops of the vector index, once for each kind
// of processor: the scan of 8-bit rows against a 16-bit query, and the exact
// score of float16 rows. What the numbers mean, and which rows to scan, are the
// index's business.
//
// Every kernel gives the same bits as the plain Go one, which is the oracle of
// the tests and the fall-back of other processors: integer sums do not depend on
// their order, products of a float32 and a float16 are exact in float64, and the
// order of every floating-point sum is fixed.
package kernel

import "fmt"

// A Kernel is a set of inner loops for one kind of processor.
type Kernel struct {
	Name  string
	scan  func(b Block, packed []int8, queries []Query, found []Found, counts []uint32)
	score func(memory []byte, places []uint64, query []float32, scores []float64)
	sum   func(bytes []byte) uint64
}

// Unit is what the width of a row must be a multiple of.
const Unit = 64

// A Block is some rows to scan. A row is Width bytes, each 128 plus a value from
// -127 to 127.
type Block struct {
	Width   int
	Rows    []byte    // row after row
	Offsets []float32 // one a row
	Radii   []float32 // one a row
	List    []uint16  // which of the rows to scan; nil: all
}

// A Query says what to find: the rows of which
//
//	(dot·Scale + Base) + (offset·Along + radius·Across) ≥ Floor
//
// in float32, where dot is the integer product of the row and the packed query.
type Query struct {
	Scale, Base, Along, Across, Floor float32
	bias                              int32
}

// Found is a row of a block with its integer product.
type Found struct {
	Row uint32
	Dot int32
}

// Limit is the largest sum of the absolute values of a query: the product with
// any row is then below 2³¹.
const Limit = (1<<31 - 1) / 127

// Largest is the largest absolute value of a query.
const Largest = 127 * 256

// Pack appends the query's values, in the form that the kernels read, to packed
// and notes in the query what goes with them. The values are as many as a row is
// wide, each from -Largest to Largest, with absolute values of a sum of at most
// Limit.
func (q *Query) Pack(packed []int8, values []int16) []int8 {
	sum := int32(0)
	for _, value := range values {
		sum += int32(value)
		packed = append(packed, int8(value), int8(value>>8))
	}
	for _, value := range values {
		packed = append(packed, int8((int32(value)-int32(int8(value)))>>8))
	}
	for _, value := range values {
		packed = append(packed, int8(value))
	}
	q.bias = 128 * sum
	return packed
}

func (b Block) count() int {
	if b.List != nil {
		return len(b.List)
	}
	return len(b.Offsets)
}

// Scan finds the rows of the block for each of the queries: query i's are the
// first counts[i] after found[i·count], with count the number of rows scanned.
// packed holds the queries' values, one after another. It panics where a slice
// is too short.
func (k Kernel) Scan(b Block, packed []int8, queries []Query, found []Found, counts []uint32) {
	n := b.count()
	if b.Width%Unit != 0 || len(b.Rows) < len(b.Offsets)*b.Width || len(b.Radii) < len(b.Offsets) ||
		len(packed) < 4*b.Width*len(queries) || len(found) < n*len(queries) || len(counts) < len(queries) {
		panic(fmt.Sprintf("kernel: %d rows of %d in %d bytes, %d queries in %d, %d found", n, b.Width, len(b.Rows), len(queries), len(packed), len(found)))
	}
	for _, row := range b.List {
		_ = b.Offsets[row]
	}
	if n == 0 || len(queries) == 0 {
		clear(counts[:len(queries)])
		return
	}
	k.scan(b, packed, queries, found, counts)
}

// Score gives the exact score of each of the rows of float16 that begin so many
// bytes, an even number, after the beginning of the memory: the sum in float64 of
// the products of the query and the row. Value i is added to sum i modulo 8, and
// the sums s as ((s0+s4)+(s2+s6)) + ((s1+s5)+(s3+s7)).
func (k Kernel) Score(memory []byte, places []uint64, query []float32, scores []float64) {
	for _, place := range places {
		_ = memory[place:][:2*len(query)]
	}
	if _ = scores[:len(places)]; len(places) > 0 {
		k.score(memory, places, query, scores)
	}
}

// Sum adds up the bytes: it does the least with them that reads them all, so
// that its speed is the limit of any scan.
func (k Kernel) Sum(bytes []byte) uint64 { return k.sum(bytes) }

// Best is the fastest kernel of this processor.
func Best() Kernel { return All()[0] }

// All gives the kernels that this processor runs, the fastest first; the plain
// one is always the last.
func All() []Kernel { return append(detect(), Plain()) }
