package vector

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vsed/index/vector/kernel"
)

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
			half := kernel.ToHalf(row[i])
			row[i] = kernel.FromHalf(half ^ uint16(source.IntN(2)))
		}
		return row
	},
	"outlier dimension": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		row[0] = 30
		return unitLength(row)
	},
	"common mean": func(source *rand.Rand, query []float32) []float32 {
		row, mean := random(source, len(query)), random(rand.New(rand.NewPCG(4, 4)), len(query))
		for i := range row {
			row[i] = 0.05*row[i] + mean[i]
		}
		return unitLength(row)
	},
	"opposite": func(source *rand.Rand, query []float32) []float32 {
		row := random(rand.New(rand.NewPCG(4, 4)), len(query))
		if source.IntN(2) == 0 {
			for i := range row {
				row[i] = -row[i]
			}
		}
		return row
	},
	"cancelling": func(source *rand.Rand, query []float32) []float32 {
		row := slices.Clone(query)
		for i := range row {
			row[i] *= float32(1 - 2*(i%2))
		}
		row[source.IntN(len(row))] *= 1.0001
		return unitLength(row)
	},
	"sparse": func(source *rand.Rand, query []float32) []float32 {
		row := make([]float32, len(query))
		row[source.IntN(len(row))] = 1
		return row
	},
	"subnormal": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		for i := 1; i < len(row); i++ {
			row[i] *= 1e-6
		}
		return unitLength(row)
	},
	"not quite unit": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		for i := range row {
			row[i] *= 1 + 0.9*Tolerance*float32(1-2*source.IntN(2))
		}
		return row
	},
	"drifting": func(source *rand.Rand, query []float32) []float32 {
		row := random(source, len(query))
		row[0] += float32(source.IntN(40))
		return unitLength(row)
	},
}

func TestSearchEqualsOracle(t *testing.T) {
	for name, draw := range draws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(10) {
				compareWithOracle(t, rand.New(rand.NewPCG(seed, 7)), draw)
			}
		})
	}
}

func compareWithOracle(t *testing.T, source *rand.Rand, draw func(*rand.Rand, []float32) []float32) {
	t.Helper()
	dimensions := []int{1, 2, 3, 37, 64, 65, 100, 384, 511, 1024}[source.IntN(10)]
	query := random(source, dimensions)
	w := newWorld(t, dimensions)
	w.x.kernel = kernel.All()[source.IntN(len(kernel.All()))]
	w.x.threads = 1 + source.IntN(3)
	batches, most := 1+source.IntN(12), []int{1, 10, 300}[source.IntN(3)]
	for range batches {
		put, remove := make(map[int64][]float32), []int64(nil)
		for range 1 + source.IntN(most) {
			id := int64(source.IntN(2000)) - 100
			if source.IntN(4) == 0 {
				remove = append(remove, id)
				continue
			}
			put[id] = draw(source, query)
		}
		remove = slices.DeleteFunc(remove, func(id int64) bool { _, again := put[id]; return again })
		w.apply(put, remove...)
	}
	if w.x.Len() != len(w.rows) {
		t.Fatalf("Len: got %d, want %d", w.x.Len(), len(w.rows))
	}
	for _, keep := range []func(int64) bool{nil, func(id int64) bool { return id%7 == 0 }, func(id int64) bool { return id%7 != 0 }, func(int64) bool { return false }} {
		for _, k := range []int{0, 1, 2, 10, 100, len(w.rows), math.MaxInt} {
			w.compare(query, k, keep)
			w.compare(random(source, dimensions), k, keep)
		}
	}
}

// TestSearchMany: each query gets what it would get alone.
func TestSearchMany(t *testing.T) {
	source := rand.New(rand.NewPCG(3, 7))
	w := newWorld(t, 200)
	for range 5 {
		put := make(map[int64][]float32)
		for range 800 {
			put[source.Int64()] = draws["common mean"](source, make([]float32, 200))
		}
		w.apply(put)
	}
	queries := make([][]float32, 33)
	for i := range queries {
		queries[i] = random(source, 200)
	}
	for _, kernel := range kernel.All() {
		w.x.kernel = kernel
		results, err := w.x.SearchMany(context.Background(), queries, 50, nil)
		must(t, err)
		for i, result := range results {
			if want := oracle(w.rows, queries[i], 50, nil); !slices.Equal(result.Hits, want) {
				t.Fatalf("%s: query %d: got %v, want %v", kernel.Name, i, result.Hits[:3], want[:3])
			}
		}
	}
	if results, err := w.x.SearchMany(context.Background(), nil, 50, nil); err != nil || len(results) != 0 {
		t.Errorf("no query: %v, %v", results, err)
	}
}

func TestSearchEnds(t *testing.T) {
	w, source := newWorld(t, 8), rand.New(rand.NewPCG(3, 7))
	w.apply(map[int64][]float32{1: random(source, 8)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.x.Search(ctx, random(source, 8), 1, nil); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// TestBoundIsTight finds a row that a bound of 99 hundredths loses, and none
// that the bound itself does. The query lies along the residual of a row, where
// the bound is met; another row's score is just below that row's.
func TestBoundIsTight(t *testing.T) {
	lost := map[float64]int{}
	for seed := range uint64(20) {
		x, query, want := atTheBound(t, seed)
		for _, looseness := range []float64{0.99, 1} {
			x.looseness = looseness
			got, err := x.Search(t.Context(), query, 1, nil)
			must(t, err)
			if got.Hits[0].ID != want {
				lost[looseness]++
			}
		}
	}
	if lost[1] > 0 || lost[0.99] == 0 {
		t.Errorf("rows lost in 20 draws: %d with the bound, want 0; %d with 99/100 of it, want some", lost[1], lost[0.99])
	}
}

// atTheBound makes an index of two rows, of which the second wins by less than
// a hundredth of the bound.
func atTheBound(t *testing.T, seed uint64) (x *Index, query []float32, best int64) {
	const dimensions = 64
	source := rand.New(rand.NewPCG(seed, 11))
	x = open(t, t.TempDir(), dimensions)
	k := newCoder(x.rotation, fit(x.rotation, nil))
	for {
		row := random(source, dimensions)
		half := make([]uint16, dimensions)
		toHalves(row, half)
		_, radius := k.encode(half, make([]byte, x.layout.width))
		query = turnBack(x.rotation, k.turned)
		top := score(query, stored(row))
		p := prepare(x.rotation, query).in(k.centre, x.layout.width, 1)
		slack := p.bound(radius) - float64(radius)
		if slack > 0.002*float64(radius) {
			continue
		}
		for range 100000 {
			other := random(source, dimensions)
			if below := top - score(query, stored(other)); below > 0 && below < 0.007*float64(radius) {
				must(t, x.Apply([]Vector{{1, other}, {2, row}}, nil, 1))
				return x, query, 2
			}
		}
	}
}

// turnBack undoes the rotation, and makes the length 1.
func turnBack(r *rotation, turned []float64) []float32 {
	back := make([]float32, r.dimensions)
	into := make([]float64, r.width)
	for i := range back {
		one := make([]float64, r.width)
		one[i] = 1
		r.turn(one, into)
		for j, value := range into {
			back[i] += float32(value * turned[j])
		}
	}
	return unitLength(back)
}

// FuzzBound looks for a row whose score is farther from the estimate than the
// bound says.
func FuzzBound(f *testing.F) {
	f.Add(uint64(1), uint16(384), uint16(100), false)
	f.Add(uint64(2), uint16(640), uint16(10), true)
	f.Fuzz(func(t *testing.T, seed uint64, dimensions, basis uint16, aligned bool) {
		source := rand.New(rand.NewPCG(seed, 5))
		r := newRotation(1 + int(dimensions)%2048)
		draw := func() []uint16 {
			half := make([]uint16, r.dimensions)
			values := random(source, r.dimensions)
			values[0] += float32(seed % 5)
			toHalves(unitLength(values), half)
			return half
		}
		var rows [][]uint16
		for range basis % 200 {
			rows = append(rows, draw())
		}
		k := newCoder(r, fit(r, rows))
		row, coded := draw(), make([]byte, r.width)
		offset, radius := k.encode(row, coded)
		query := random(source, r.dimensions)
		if aligned {
			query = turnBack(r, k.turned)
		}
		p := prepare(r, query)
		bounds := p.in(k.centre, r.width, 1)
		product := int32(0)
		for i, level := range p.levels {
			product += int32(level) * (int32(coded[i]) - 128)
		}
		values := make([]float32, r.dimensions)
		for i, half := range row {
			values[i] = kernel.FromHalf(half)
		}
		if off := math.Abs(bounds.estimate(product, offset) - score(query, values)); !(off <= bounds.bound(radius)) {
			t.Errorf("%d dimensions: off by %g, bound %g", r.dimensions, off, bounds.bound(radius))
		}
	})
}
