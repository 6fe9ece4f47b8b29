package search

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"vsed/index/vector"
)

// TestTogether asks many queries at once, one of them wrong: each gets what it gets
// alone.
func TestTogether(t *testing.T) {
	x, err := vector.Open(t.TempDir(), 2, vector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	random, rows := rand.New(rand.NewPCG(1, 2)), []vector.Vector(nil)
	for id := range int64(3000) {
		rows = append(rows, vector.Vector{ID: id, Values: at(360 * random.Float64())})
	}
	if err := x.Apply(rows, nil, 1); err != nil {
		t.Fatal(err)
	}
	var scans together
	var asking sync.WaitGroup
	for i := range 200 {
		query := at(float64(i))
		if i == 77 {
			query = []float32{0, 0}
		}
		asking.Go(func() {
			want, wantErr := x.Search(t.Context(), query, 10, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			got, err := scans.search(ctx, x, query, 10)
			if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got.Hits, want.Hits) {
				t.Errorf("query %d: got %v, %v, want %v, %v", i, got.Hits, err, want.Hits, wantErr)
			}
		})
	}
	asking.Wait()
	if scans.passes != 0 || len(scans.waiting) > 0 {
		t.Errorf("%d passes are left, %d queries wait", scans.passes, len(scans.waiting))
	}
}

// TestAQueryThatWaitsLeads has a pass under way, so that two queries must wait.
func TestAQueryThatWaitsLeads(t *testing.T) {
	x, err := vector.Open(t.TempDir(), 2, vector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := x.Apply([]vector.Vector{{ID: 1, Values: at(0)}, {ID: 2, Values: at(90)}}, nil, 1); err != nil {
		t.Fatal(err)
	}
	scans := together{passes: mostPasses()}
	found := make(chan vector.Result, 2)
	for range 2 {
		go func() {
			got, err := scans.search(t.Context(), x, at(80), 1)
			if err != nil {
				t.Error(err)
			}
			found <- got
		}()
	}
	for waiting := 0; waiting < 2; {
		scans.mutex.Lock()
		waiting = len(scans.waiting)
		scans.mutex.Unlock()
	}
	scans.handOver()
	for range 2 {
		if got := <-found; len(got.Hits) != 1 || got.Hits[0].ID != 2 {
			t.Errorf("found %v", got.Hits)
		}
	}
}

// TestNobodyWaitsForAQueryThatEnded: it leaves those that wait, and the next pass
// answers the others.
func TestNobodyWaitsForAQueryThatEnded(t *testing.T) {
	x, err := vector.Open(t.TempDir(), 2, vector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := x.Apply([]vector.Vector{{ID: 1, Values: at(0)}}, nil, 1); err != nil {
		t.Fatal(err)
	}
	scans := together{passes: mostPasses()}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scans.search(ended, x, at(80), 1); !errors.Is(err, context.Canceled) || len(scans.waiting) > 0 {
		t.Errorf("%v, %d wait", err, len(scans.waiting))
	}
	scans.handOver()
	if got, err := scans.search(t.Context(), x, at(80), 1); err != nil || len(got.Hits) != 1 {
		t.Errorf("found %v, %v", got, err)
	}
}
