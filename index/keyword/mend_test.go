package keyword

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
)

func openFive(t *testing.T) *Index {
	t.Helper()
	x, err := Open(t.TempDir() + "/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	for id := range int64(5) {
		if err := x.Apply([]Document{{ID: id, Tags: []string{"cat"}}}, nil, id+1); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func expect(t *testing.T, x *Index, change, count int64) {
	t.Helper()
	if got, err := x.Change(); err != nil || got != change {
		t.Errorf("Change: got %d, %v, want %d", got, err, change)
	}
	hits, err := x.Search(t.Context(), "cat", 100)
	if err != nil || int64(len(hits)) != count {
		t.Errorf("Search: got %d hits, %v, want %d", len(hits), err, count)
	}
}

// TestTroubleInTheBackground is told as by a goroutine of bleve's, which then
// waits until the index has been closed.
func TestTroubleInTheBackground(t *testing.T) {
	x := openFive(t)
	told := make(chan struct{})
	first := x.store
	go func() {
		defer close(told)
		onTrouble(scorch.NewScorchError("merger", "no space", scorch.ErrPersist), first.folder)
	}()
	<-first.failed
	expect(t, x, 5, 5)
	if err := x.Apply([]Document{{ID: 5, Tags: []string{"cat"}}}, nil, 6); err != nil {
		t.Fatal(err)
	}
	if x.store == first {
		t.Error("the broken store is still in use")
	}
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Error("bleve's goroutine is not released")
	}
	expect(t, x, 6, 6)
}

func TestUntidinessIsNoTrouble(t *testing.T) {
	x := openFive(t)
	onTrouble(scorch.NewScorchError("persister", "no space", scorch.ErrCleanup), x.store.folder)
	if !x.store.sound() {
		t.Error("the store is not used any more")
	}
}

// TestLostChanges cuts the files of an index in use: one that is only read, as
// after a write that failed, so that no merge replaces them meanwhile.
func TestLostChanges(t *testing.T) {
	x := openFive(t)
	x.store.fail(errors.New("no space"))
	if x.fallBack(6) {
		t.Error("a change is on disk that nobody wrote")
	}
	expect(t, x, 5, 5)
	segments, err := filepath.Glob(filepath.Join(x.store.folder, "*.zap"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	for _, segment := range segments {
		if err := os.Truncate(segment, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.Search(t.Context(), "cat", 100); !errors.Is(err, errDamaged) {
		t.Errorf("Search: got %v, want damage", err)
	}
	batch := []Document{{ID: 5, Tags: []string{"cat"}}}
	for range 2 {
		if err := x.Apply(batch, nil, 6); !errors.Is(err, ErrBehind) {
			t.Errorf("Apply: got %v, want ErrBehind", err)
		}
	}
	expect(t, x, 0, 0)
	if err := x.Apply(batch, nil, 6); err != nil {
		t.Fatal(err)
	}
	expect(t, x, 6, 1)
}
