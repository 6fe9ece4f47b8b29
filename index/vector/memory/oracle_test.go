package vector

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vsed/index"
)

// oracle sorts every row by its float64 score.
func oracle(rows map[int64][]float32, query []float32, k int, keep func(int64) bool) []index.Hit {
	var hits []index.Hit
	for id, row := range rows {
		if keep == nil || keep(id) {
			hits = append(hits, index.Hit{ID: id, Score: score(query, row)})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits[:min(max(k, 0), len(hits))]
}

func unit(values []float32) []float32 {
	square := 0.0
	for _, value := range values {
		square += float64(value) * float64(value)
	}
	for i := range values {
		values[i] = float32(float64(values[i]) / math.Sqrt(square))
	}
	return values
}

func random(source *rand.Rand, dimensions int) []float32 {
	values := make([]float32, dimensions)
	for i := range values {
		values[i] = float32(source.NormFloat64())
	}
	return unit(values)
}

// draws make rows that are hard on one or another part of the search.
var draws = map[string]func(source *rand.Rand, query []float32) []float32{
	"random": func(source *rand.Rand, query []float32) []float32 { return random(source, len(query)) },
	"duplicates": func(source *rand.Rand, query []float32) []float32 {
		return random(rand.New(rand.NewPCG(source.Uint64N(3), 1)), len(query))
	},
	"last bits differ": func(source *rand.Rand, query []float32) []float32 {
		row := slices.Clone(query)
		for range 4 {
			i := source.IntN(len(row))
			row[i] = math.Nextafter32(row[i], float32(source.IntN(3)-1))
		}
		return row
	},
	"outlier dimension": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		row[0] = 30
		return unit(row)
	},
	"cancelling": func(source *rand.Rand, query []float32) []float32 {
		row := slices.Clone(query)
		for i := range row {
			row[i] *= float32(1 - 2*(i%2))
		}
		row[source.IntN(len(row))] *= 1.0001
		return unit(row)
	},
	"sparse": func(source *rand.Rand, query []float32) []float32 {
		row := make([]float32, len(query))
		row[source.IntN(len(row))] = 1
		return row
	},
	"subnormal": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		for i := 1; i < len(row); i++ {
			row[i] *= 1e-38
		}
		return unit(row)
	},
	"not quite unit": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		for i := range row {
			row[i] *= 1 + 0.9*Tolerance*float32(1-2*source.IntN(2))
		}
		return row
	},
}

func TestSearchEqualsOracle(t *testing.T) {
	for name, draw := range draws {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				source := rand.New(rand.NewPCG(seed, 7))
				compareWithOracle(t, source, draw)
			}
		})
	}
}

func compareWithOracle(t *testing.T, source *rand.Rand, draw func(*rand.Rand, []float32) []float32) {
	t.Helper()
	dimensions := []int{1, 3, 8, 37, 384}[source.IntN(5)]
	query := random(source, dimensions)
	x, rows := New(dimensions), map[int64][]float32{}
	for range []int{1, 10, 3000}[source.IntN(3)] {
		id := int64(source.IntN(5000)) - 100
		if source.IntN(4) == 0 {
			x.Delete(id)
			delete(rows, id)
			continue
		}
		rows[id] = draw(source, query)
		if err := x.Put(id, rows[id]); err != nil {
			t.Fatal(err)
		}
	}
	if x.Len() != len(rows) {
		t.Fatalf("Len: got %d, want %d", x.Len(), len(rows))
	}
	filters := []func(int64) bool{nil, func(id int64) bool { return id%7 == 0 }, func(int64) bool { return false }}
	for _, keep := range filters {
		for _, k := range []int{0, 1, 2, 10, 100, len(rows), math.MaxInt} {
			got, err := x.Search(query, k, keep)
			if err != nil {
				t.Fatal(err)
			}
			if want := oracle(rows, query, k, keep); !slices.Equal(got, want) {
				t.Fatalf("%d rows of %d, K = %d: got %v, want %v", len(rows), dimensions, k, got[:min(5, len(got))], want[:min(5, len(want))])
			}
		}
	}
}

// TestMarginIsNeeded shows that the data above would find a missing margin.
func TestMarginIsNeeded(t *testing.T) {
	wrong := 0
	for seed := range uint64(20) {
		source := rand.New(rand.NewPCG(seed, 3))
		query := random(source, 384)
		rows := map[int64][]float32{}
		careless := newShortlist(10, 0)
		for id := range int64(500) {
			rows[id] = draws["last bits differ"](source, query)
			careless.offer(id, rows[id], coarse(query, rows[id]))
		}
		if !slices.Equal(careless.exact(query), oracle(rows, query, 10, nil)) {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("a search without a margin was right 20 times: the data proves nothing")
	}
}

// FuzzMargin looks for a pair whose float32 score is off by more than the
// margin.
func FuzzMargin(f *testing.F) {
	f.Add(uint64(1), uint16(384), false)
	f.Add(uint64(2), uint16(640), true)
	f.Fuzz(func(t *testing.T, seed uint64, dimensions uint16, aligned bool) {
		source := rand.New(rand.NewPCG(seed, 5))
		x := New(1 + int(dimensions)%MaxDimensions)
		a, b := random(source, x.dimensions), random(source, x.dimensions)
		if aligned {
			b = slices.Clone(a)
		}
		if off := math.Abs(coarse(a, b) - score(a, b)); off > x.margin() {
			t.Errorf("%d dimensions: off by %g, margin %g", x.dimensions, off, x.margin())
		}
	})
}
