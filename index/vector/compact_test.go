package vector

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// settled waits until the maintainer has nothing left to do.
func settled(t testing.TB, x *Index, fine func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !fine(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("compaction did not come to an end")
		}
		x.nudge()
	}
}

// counts gives the segments of the index and their rows, dead ones too.
func counts(x *Index) (segments, rows int) {
	s, err := x.acquire()
	if err != nil {
		return 0, 0
	}
	defer s.release()
	for _, v := range s.views {
		if v.segment != nil {
			segments++
			rows += v.rows
		}
	}
	return segments, rows
}

// TestReplacingTakesNoRoom: dead rows go.
func TestReplacingTakesNoRoom(t *testing.T) {
	w, source := newWorld(t, 16), rand.New(rand.NewPCG(1, 1))
	for round := range 60 {
		put := make(map[int64][]float32)
		for id := range int64(200) {
			put[id*int64(1+round%2)] = random(source, 16)
		}
		w.apply(put)
	}
	settled(t, w.x, func() bool {
		segments, rows := counts(w.x)
		return segments == 1 && rows <= len(w.rows)*deadShare/(deadShare-1)
	})
	w.compare(random(source, 16), 50, nil)
	for id := range w.rows {
		if _, ok, err := w.x.Vector(id); err != nil || !ok {
			t.Fatalf("vector %d is gone: %v", id, err)
		}
	}
	var all []int64
	for id := range w.rows {
		all = append(all, id)
	}
	w.apply(nil, all...)
	w.compare(random(source, 16), 50, nil)
	settled(t, w.x, func() bool { _, rows := counts(w.x); return rows == 0 })
}

// TestFullSegments: more rows than one segment has room for, then most of them
// removed: what is left becomes one segment.
func TestFullSegments(t *testing.T) {
	w, source := newWorld(t, 4), rand.New(rand.NewPCG(1, 1))
	const rows = 2*segmentRows + 5000
	for first := int64(0); first < rows; first += 10000 {
		put := make(map[int64][]float32)
		for id := first; id < min(first+10000, rows); id++ {
			put[id] = random(source, 4)
		}
		w.apply(put)
	}
	if segments, _ := counts(w.x); segments != 3 {
		t.Errorf("%d segments, want 3", segments)
	}
	w.compare(random(source, 4), 1000, nil)
	var remove []int64
	for id := range int64(rows - 5000) {
		if id%10 != 0 {
			remove = append(remove, id)
		}
	}
	w.apply(nil, remove...)
	settled(t, w.x, func() bool { segments, _ := counts(w.x); return segments == 2 })
	w.compare(random(source, 4), 1000, nil)
	w.compare(random(source, 4), 100, func(id int64) bool { return id%3 == 0 })
}

// TestCentreFollows: the first rows say little of the mean; once there are more,
// residuals are as around a fresh centre.
func TestCentreFollows(t *testing.T) {
	w, source := newWorld(t, 128), rand.New(rand.NewPCG(1, 1))
	w.apply(map[int64][]float32{-1: random(source, 128)})
	for step := range int64(20) {
		put := make(map[int64][]float32)
		for i := range int64(100) {
			put[step*100+i] = draws["common mean"](source, make([]float32, 128))
		}
		w.apply(put)
	}
	settled(t, w.x, func() bool {
		s := w.x.current.Load()
		for _, v := range s.views {
			if v.segment != nil && v.basis > 0 {
				return true
			}
		}
		return false
	})
	w.compare(draws["common mean"](source, make([]float32, 128)), 100, nil)
}

// TestConcurrent searches, looks up and counts while rows come, change and go;
// the rows from 0 to 99 stay and must be found each time.
func TestConcurrent(t *testing.T) {
	x, err := Open(t.TempDir(), 16, Options{Threads: 2})
	must(t, err)
	source := rand.New(rand.NewPCG(1, 1))
	query := random(source, 16)
	var stay []Vector
	for id := range int64(100) {
		stay = append(stay, Vector{id, query})
	}
	must(t, x.Apply(stay, nil, 1))
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() { searchUntil(t, x, query, done) })
	}
	for writer := range uint64(2) {
		writers.Go(func() { churn(t, x, rand.New(rand.NewPCG(writer, 2))) })
	}
	writers.Wait()
	close(done)
	readers.Wait()
	must(t, x.Close())
}

func searchUntil(t *testing.T, x *Index, query []float32, done chan struct{}) {
	filter := NewFilter(func(yield func(int64) bool) {
		for id := int64(0); id < 1000 && yield(id); id++ {
		}
	})
	for {
		result, err := x.Search(t.Context(), query, 100, filter)
		if err != nil || len(result.Hits) != 100 || result.Hits[0].ID != 0 || result.Hits[99].ID != 99 {
			t.Errorf("got %d hits, %v", len(result.Hits), err)
			return
		}
		if _, ok, err := x.Vector(50); !ok || err != nil {
			t.Errorf("vector 50: %v, %v", ok, err)
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func churn(t *testing.T, x *Index, source *rand.Rand) {
	for range 300 {
		var put []Vector
		var remove []int64
		for range 50 {
			id := 100 + int64(source.IntN(2000))
			if source.IntN(3) == 0 {
				remove = append(remove, id)
			} else {
				put = append(put, Vector{id, random(source, 16)})
			}
		}
		if err := x.Apply(put, remove, 5); err != nil {
			t.Error(err)
			return
		}
	}
}

// TestRowsAreNotOnTheHeap: 100,000 rows add less than 1 MB of memory that is not
// a file's.
func TestRowsAreNotOnTheHeap(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's own memory grows with the heap")
	}
	if os.Getenv(memoryVariable) == "" {
		output := runAgain(t, "^TestRowsAreNotOnTheHeap$", memoryVariable)
		if !strings.Contains(output, "ok: ") {
			t.Fatal(output)
		}
		return
	}
	source := rand.New(rand.NewPCG(1, 1))
	pool := make([]Vector, 500)
	for i := range pool {
		pool[i].Values = random(source, 64)
	}
	fill := func(x *Index) {
		for next := int64(0); next < 100_000; {
			for i := range pool {
				next++
				pool[i].ID = next
			}
			must(t, x.Apply(pool, nil, next))
		}
	}
	// The runtime's own memory grows with the first index.
	first, err := Open(t.TempDir(), 64, Options{})
	must(t, err)
	fill(first)
	must(t, first.Close())
	before, grown := anonymous(t), 0
	x := open(t, t.TempDir(), 64)
	fill(x)
	settled(t, x, func() bool { grown = anonymous(t) - before; return grown < 1<<20 })
	t.Logf("ok: 100,000 rows added %d bytes", grown)
}

const memoryVariable = "VSED_VECTOR_MEMORY"

// anonymous is the process's memory that is no file's, once the heap is clean.
func anonymous(t *testing.T) int {
	t.Helper()
	freeMemory()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, after, _ := strings.Cut(string(status), "RssAnon:")
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	must(t, err)
	return kilobytes << 10
}
