package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHalf(t *testing.T) {
	f := func(value float32, want uint16) {
		t.Helper()
		if got := ToHalf(value); got != want {
			t.Errorf("ToHalf(%g): got %#x, want %#x", value, got, want)
		}
	}
	f(1, 0x3c00)
	f(-2, 0xc000)
	f(65504, 0x7bff)
	f(0x1p-24, 1)
	f(0x1p-25, 0) // half way: to even
	f(0x1.8p-24, 2)
	f(float32(math.Copysign(0, -1)), 0x8000)
	f(0x1p-14, 0x400)
	f(1+0x1p-11, 0x3c00)
	f(1+0x3p-11, 0x3c02)
	for half := range uint16(0x7c00) {
		for _, signed := range []uint16{half, half | 0x8000} {
			if got := ToHalf(FromHalf(signed)); got != signed {
				t.Fatalf("%#x became %#x", signed, got)
			}
		}
	}
}

// TestKernelsEqualPlain compares every kernel of this processor with the plain
// one, bit for bit.
func TestKernelsEqualPlain(t *testing.T) {
	for _, kernel := range All() {
		t.Run(kernel.Name, func(t *testing.T) {
			for seed := range uint64(60) {
				source := rand.New(rand.NewPCG(seed, 9))
				compareScan(t, kernel, source)
				compareScore(t, kernel, source)
			}
		})
	}
}

func compareScan(t *testing.T, kernel Kernel, source *rand.Rand) {
	t.Helper()
	width, rows, queries := Unit*(1+source.IntN(17)), source.IntN(200), 1+source.IntN(5)
	if source.IntN(10) == 0 {
		width = 16384
	}
	b := Block{Width: width, Rows: make([]byte, rows*width), Offsets: make([]float32, rows), Radii: make([]float32, rows)}
	for i := range b.Rows {
		b.Rows[i] = byte(1 + source.IntN(255))
	}
	for i := range rows {
		b.Offsets[i], b.Radii[i] = source.Float32()-0.5, source.Float32()
	}
	if source.IntN(2) == 0 {
		b.List = []uint16{}
		for i := range rows {
			if source.IntN(3) == 0 {
				b.List = append(b.List, uint16(i))
			}
		}
	}
	asked, packed := make([]Query, queries), []int8(nil)
	for i := range asked {
		values, largest := randomValues(source, width)
		packed = asked[i].Pack(packed, values)
		asked[i].Scale, asked[i].Base, asked[i].Along, asked[i].Across = 1/float32(largest*width), source.Float32(), source.Float32(), source.Float32()
		asked[i].Floor = []float32{float32(math.Inf(-1)), 0.9, 5}[source.IntN(3)]
	}
	n := b.count()
	got, want := make([]Found, n*queries), make([]Found, n*queries)
	gotCounts, wantCounts := make([]uint32, queries), make([]uint32, queries)
	kernel.Scan(b, packed, asked, got, gotCounts)
	Plain().Scan(b, packed, asked, want, wantCounts)
	if !slices.Equal(gotCounts, wantCounts) {
		t.Fatalf("%d rows of %d: %v found, want %v", n, width, gotCounts, wantCounts)
	}
	for i, count := range wantCounts {
		if !slices.Equal(got[i*n:][:count], want[i*n:][:count]) {
			t.Fatalf("%d rows of %d: query %d: got %v, want %v", n, width, i, got[i*n:][:count], want[i*n:][:count])
		}
	}
}

// randomValues are as large as Pack takes.
func randomValues(source *rand.Rand, width int) (values []int16, largest int) {
	largest = min(Largest, Limit/width)
	values = make([]int16, width)
	for i := range values {
		values[i] = int16(source.IntN(2*largest+1) - largest)
		if source.IntN(4) == 0 {
			values[i] = int16(largest * (1 - 2*source.IntN(2)))
		}
	}
	return values, largest
}

func compareScore(t *testing.T, kernel Kernel, source *rand.Rand) {
	t.Helper()
	dimensions, rows := 1+source.IntN(700), 1+source.IntN(20)
	memory, query, places := make([]byte, 2*rows*dimensions), make([]float32, dimensions), make([]uint64, 2*rows)
	for i := range rows * dimensions {
		binary.NativeEndian.PutUint16(memory[2*i:], ToHalf(float32(source.NormFloat64()*math.Pow(2, float64(source.IntN(30)-28)))))
	}
	for i := range query {
		query[i] = float32(source.NormFloat64() * math.Pow(2, float64(source.IntN(200)-150)))
	}
	for i := range places {
		places[i] = 2 * uint64(dimensions*source.IntN(rows))
	}
	got, want := make([]float64, len(places)), make([]float64, len(places))
	kernel.Score(memory, places, query, got)
	Plain().Score(memory, places, query, want)
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("%d dimensions: got %v, want %v", dimensions, got[i], want[i])
		}
	}
}

func TestSum(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	for _, length := range []int{0, 1, 255, 256, 70001} {
		bytes, want := make([]byte, length), uint64(0)
		for i := range bytes {
			bytes[i] = byte(source.Uint32())
			want += uint64(bytes[i])
		}
		for _, kernel := range All() {
			if got := kernel.Sum(bytes); got != want {
				t.Errorf("%s: %d bytes: got %d, want %d", kernel.Name, length, got, want)
			}
		}
	}
}
