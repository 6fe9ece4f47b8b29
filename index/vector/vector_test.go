package vector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/index"
	"vsed/index/vector/kernel"
)

func TestMain(m *testing.M) {
	if child, ok := os.LookupEnv(childVariable); ok {
		writeUntilKilled(child)
	}
	goleak.VerifyTestMain(m)
}

// open opens an index that the test closes.
func open(t testing.TB, dir string, dimensions int) *Index {
	t.Helper()
	x, err := Open(dir, dimensions, Options{})
	must(t, err)
	t.Cleanup(func() { must(t, x.Close()) })
	return x
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stored is what the index keeps of a vector.
func stored(values []float32) []float32 {
	kept := make([]float32, len(values))
	for i, value := range values {
		kept[i] = kernel.FromHalf(kernel.ToHalf(value))
	}
	return kept
}

// score is the score that the index promises.
func score(query, row []float32) float64 {
	var s [8]float64
	for i := range query {
		s[i%8] += float64(query[i]) * float64(row[i])
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// oracle sorts every stored row by its score.
func oracle(rows map[int64][]float32, query []float32, k int, keep func(int64) bool) []index.Hit {
	hits := []index.Hit{}
	for id, row := range rows {
		if keep == nil || keep(id) {
			hits = append(hits, index.Hit{ID: id, Score: score(query, row)})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits[:min(max(k, 0), len(hits))]
}

func unitLength(values []float32) []float32 {
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
	return unitLength(values)
}

// A world is an index beside what it should hold.
type world struct {
	testing.TB
	x      *Index
	rows   map[int64][]float32
	change int64
}

func newWorld(t testing.TB, dimensions int) *world {
	return &world{TB: t, x: open(t, t.TempDir(), dimensions), rows: make(map[int64][]float32)}
}

func (w *world) apply(put map[int64][]float32, remove ...int64) {
	w.Helper()
	w.change++
	var vectors []Vector
	for _, id := range slices.Sorted(maps.Keys(put)) {
		vectors = append(vectors, Vector{id, put[id]})
	}
	must(w, w.x.Apply(vectors, remove, w.change))
	for _, id := range remove {
		delete(w.rows, id)
	}
	for id, values := range put {
		w.rows[id] = stored(values)
	}
}

// compare searches and compares with the oracle.
func (w *world) compare(query []float32, k int, keep func(int64) bool) Result {
	w.Helper()
	var filter *Filter
	if keep != nil {
		filter = NewFilter(func(yield func(int64) bool) {
			for id := range w.rows {
				if keep(id) && !yield(id) {
					return
				}
			}
		})
	}
	got, err := w.x.Search(context.Background(), query, k, filter)
	must(w, err)
	want := oracle(w.rows, query, k, keep)
	if !slices.Equal(got.Hits, want) {
		w.Fatalf("%d rows of %d, K = %d: got %d hits %v, want %d %v", len(w.rows), len(query), k, len(got.Hits), got.Hits[:min(5, len(got.Hits))], len(want), want[:min(5, len(want))])
	}
	return got
}

func TestRefused(t *testing.T) {
	x := open(t, t.TempDir(), 4)
	f := func(vector []float32, want string) {
		t.Helper()
		var refused *RefusedError
		err := x.Apply([]Vector{{7, vector}}, nil, 1)
		if !errors.As(err, &refused) || len(refused.Reasons) != 1 || refused.Reasons[7] == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "photo 7") {
			t.Errorf("Apply(%v): got %v, want %q", vector, err, want)
		}
		if _, err := x.Search(t.Context(), vector, 1, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Search(%v): got %v, want %q", vector, err, want)
		}
	}
	notANumber, infinite := float32(math.NaN()), float32(math.Inf(-1))
	f(nil, "0 values, want 4")
	f([]float32{1, 0, 0}, "3 values, want 4")
	f([]float32{1, 0, 0, 0, 0}, "5 values, want 4")
	f([]float32{1, 0, notANumber, 0}, "value 2 is NaN")
	f([]float32{1, 0, 0, infinite}, "value 3 is -Inf")
	f([]float32{0, 0, 0, 0}, "length is 0")
	f([]float32{2, 0, 0, 0}, "length is 2")
	f([]float32{math.MaxFloat32, 0, 0, 0}, "want 1")
	if x.Len() != 0 {
		t.Errorf("Len after refusals: got %d, want 0", x.Len())
	}
}

// TestRefusedWithOthers: what is refused has no row, whatever it had before; the
// others are stored, and so is the change.
func TestRefusedWithOthers(t *testing.T) {
	w := newWorld(t, 2)
	w.apply(map[int64][]float32{1: {0, 1}, 2: {0, 1}})
	err := w.x.Apply([]Vector{{1, []float32{3, 0}}, {5, []float32{1, 0}}}, []int64{2}, 9)
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	w.rows = map[int64][]float32{5: {1, 0}}
	w.compare([]float32{0, 1}, 5, nil)
	if w.x.Change() != 9 {
		t.Errorf("change %d, want 9", w.x.Change())
	}
}

func TestApplyOrder(t *testing.T) {
	w := newWorld(t, 2)
	must(t, w.x.Apply([]Vector{{1, []float32{1, 0}}, {2, []float32{1, 0}}, {1, []float32{0, 1}}}, []int64{2, 3}, 1))
	w.rows = map[int64][]float32{1: {0, 1}, 2: {1, 0}}
	w.compare([]float32{1, 0}, 5, nil)
}

func TestVectorAndScore(t *testing.T) {
	w, source := newWorld(t, 37), rand.New(rand.NewPCG(1, 4))
	for id := range int64(300) {
		w.apply(map[int64][]float32{id % 200: random(source, 37)}, (id+100)%200)
	}
	query := random(source, 37)
	ids := []int64{-5}
	for id := range int64(200) {
		ids = append(ids, id)
		got, ok, err := w.x.Vector(id)
		must(t, err)
		if want, there := w.rows[id]; ok != there || !slices.Equal(got, want) {
			t.Fatalf("vector %d: got %v %v, want %v %v", id, got, ok, want, there)
		}
	}
	scores, err := w.x.Score(query, ids)
	must(t, err)
	if len(scores) != len(w.rows) {
		t.Errorf("%d scores, want %d", len(scores), len(w.rows))
	}
	for id, row := range w.rows {
		if scores[id] != score(query, row) {
			t.Errorf("score of %d: got %v, want %v", id, scores[id], score(query, row))
		}
	}
}

func TestOpenAgain(t *testing.T) {
	dir, source := t.TempDir(), rand.New(rand.NewPCG(1, 4))
	w := &world{TB: t, rows: make(map[int64][]float32)}
	for round := range int64(6) {
		x, err := Open(dir, 100, Options{})
		must(t, err)
		w.x = x
		if x.Rebuilt() != nil || x.Change() != w.change || x.Len() != len(w.rows) {
			t.Fatalf("round %d: rebuilt %v, change %d, %d rows, want %d, %d", round, x.Rebuilt(), x.Change(), x.Len(), w.change, len(w.rows))
		}
		w.compare(random(source, 100), 10, nil)
		for step := range int64(5) {
			put := make(map[int64][]float32)
			for i := range int64(300) {
				put[(round*700+step*100+i)%1500] = random(source, 100)
			}
			w.apply(put, round*100+step, round*200+3*step)
			w.compare(random(source, 100), 10, nil)
		}
		must(t, x.Close())
		must(t, x.Close())
	}
}

func TestOpenAnother(t *testing.T) {
	dir := t.TempDir()
	x, err := Open(dir, 8, Options{})
	must(t, err)
	must(t, x.Apply([]Vector{{1, random(rand.New(rand.NewPCG(1, 1)), 8)}}, nil, 3))
	if _, err := Open(dir, 8, Options{}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("opened twice: %v", err)
	}
	must(t, x.Close())
	if _, err := x.Search(t.Context(), random(rand.New(rand.NewPCG(1, 1)), 8), 1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("search after Close: %v", err)
	}
	if err := x.Apply(nil, nil, 4); !errors.Is(err, ErrClosed) {
		t.Errorf("apply after Close: %v", err)
	}
	x = open(t, dir, 9)
	if x.Rebuilt() == nil || x.Change() != 0 || x.Len() != 0 {
		t.Errorf("other dimensions: rebuilt %v, change %d, %d rows", x.Rebuilt(), x.Change(), x.Len())
	}
	files, err := filepath.Glob(filepath.Join(dir, "segment-*"))
	must(t, err)
	if len(files) != 0 {
		t.Errorf("left over: %v", files)
	}
	if _, err := Open(t.TempDir(), 0, Options{}); err == nil {
		t.Error("opened with 0 dimensions")
	}
}

func ExampleNewFilter() {
	f := NewFilter(slices.Values([]int64{3, 5}))
	fmt.Println(f.has(3), f.has(4))
	// Output: true false
}
