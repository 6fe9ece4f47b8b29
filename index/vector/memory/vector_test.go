package vector

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

func TestRefused(t *testing.T) {
	x := New(4)
	f := func(vector []float32, want string) {
		t.Helper()
		if err := x.Put(7, vector); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "photo 7") {
			t.Errorf("Put(%v): got %v, want %q", vector, err, want)
		}
		if _, err := x.Search(vector, 1, nil); err == nil || !strings.Contains(err.Error(), want) {
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

func TestRefusedPutKeepsTheOldRow(t *testing.T) {
	x := New(2)
	must(t, x.Put(1, []float32{0, 1}))
	if err := x.Put(1, []float32{3, 0}); err == nil {
		t.Fatal("a row of length 3 was taken")
	}
	hits, err := x.Search([]float32{0, 1}, 5, nil)
	must(t, err)
	if len(hits) != 1 || hits[0].Score != 1 {
		t.Errorf("got %v, want the old row", hits)
	}
}

func TestPutCopiesItsRow(t *testing.T) {
	x, row := New(2), []float32{1, 0}
	must(t, x.Put(1, row))
	row[0] = 0
	hits, err := x.Search([]float32{1, 0}, 1, nil)
	must(t, err)
	if hits[0].Score != 1 {
		t.Errorf("the caller's change got into the index: %v", hits)
	}
}

func TestReplacingTakesNoRoom(t *testing.T) {
	x := New(2)
	for id := range int64(20 * chunkRows) {
		must(t, x.Put(id%300, []float32{1, 0}))
		must(t, x.Put(1000+id/chunkRows, []float32{0, 1}))
	}
	if x.Len() != 320 || len(x.chunks) > 2 {
		t.Errorf("%d rows in %d chunks, want 320 in at most 2", x.Len(), len(x.chunks))
	}
	for id := range int64(2000) {
		x.Delete(id)
	}
	hits, err := x.Search([]float32{1, 0}, 10, nil)
	must(t, err)
	if x.Len() != 0 || len(hits) != 0 {
		t.Errorf("after deleting all: %d rows, hits %v", x.Len(), hits)
	}
}

// TestConcurrent searches while rows come, change and go; the rows from 0 to 99
// stay and must be found each time.
func TestConcurrent(t *testing.T) {
	x := New(16)
	source := rand.New(rand.NewPCG(1, 1))
	query := random(source, 16)
	for id := range int64(100) {
		must(t, x.Put(id, query))
	}
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() { searchUntil(t, x, query, done) })
	}
	for writer := range uint64(2) {
		writers.Go(func() { churn(x, rand.New(rand.NewPCG(writer, 2))) })
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func searchUntil(t *testing.T, x *Index, query []float32, done chan struct{}) {
	for {
		hits, err := x.Search(query, 100, nil)
		if err != nil || len(hits) != 100 || hits[0].ID != 0 || hits[99].ID != 99 {
			t.Errorf("got %d hits, %v", len(hits), err)
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func churn(x *Index, source *rand.Rand) {
	for range 20000 {
		id := 100 + int64(source.IntN(2000))
		if source.IntN(3) == 0 {
			x.Delete(id)
		} else if err := x.Put(id, random(source, 16)); err != nil {
			panic(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func filled(b *testing.B, rows, dimensions int) (*Index, []float32) {
	x, source := New(dimensions), rand.New(rand.NewPCG(1, 2))
	for id := range int64(rows) {
		if err := x.Put(id, random(source, dimensions)); err != nil {
			b.Fatal(err)
		}
	}
	return x, random(source, dimensions)
}

func BenchmarkSearch(b *testing.B) {
	f := func(name string, rows, dimensions int, keep func(int64) bool) {
		b.Run(name, func(b *testing.B) {
			x, query := filled(b, rows, dimensions)
			for b.Loop() {
				if _, err := x.Search(query, 100, keep); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("10000x384", 10000, 384, nil)
	f("10000x640", 10000, 640, nil)
	f("10000x384/kept=1%", 10000, 384, func(id int64) bool { return id%100 == 0 })
}

func BenchmarkPut(b *testing.B) {
	source := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float32, 64)
	for i := range rows {
		rows[i] = random(source, 384)
	}
	x := New(384)
	for i := range int64(b.N) {
		if err := x.Put(i%20000, rows[i%64]); err != nil {
			b.Fatal(err)
		}
	}
}
