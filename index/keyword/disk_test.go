package keyword_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"vsed/index/keyword"
)

// smallDisk is a folder on a file system of five megabytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("vsed-test", dir, "tmpfs", 0, "size=5m"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// occupy leaves only so much room, and gives back what it took when the
// function that it returns is called.
func occupy(t *testing.T, disk string, leave int64) (release func()) {
	t.Helper()
	var space syscall.Statfs_t
	if err := syscall.Statfs(disk, &space); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(disk, "ballast")
	size := max(0, int64(space.Bavail)*space.Bsize-leave)
	// A merge of bleve's can take the room meanwhile.
	if err := os.WriteFile(ballast, make([]byte, size), 0o600); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// written makes the documents of one change: 50, with the id as a tag.
func written(source *rand.Rand, change int64) []keyword.Document {
	documents := make([]keyword.Document, 50)
	for i := range documents {
		id := (change-1)*50 + int64(i)
		documents[i] = photo(source, id)
		documents[i].Tags = append(documents[i].Tags, fmt.Sprint("number ", id), "all")
	}
	return documents
}

// expectAll looks for some documents of the changes.
func expectAll(t *testing.T, x *keyword.Index, changes int64) {
	t.Helper()
	for id := int64(0); id < changes*50; id += 397 {
		if got := find(t, x, fmt.Sprint("number ", id)); len(got) == 0 || got[0] != id {
			t.Fatalf("photo %d of %d: got %v", id, changes*50, got)
		}
	}
}

func TestFullDisk(t *testing.T) {
	for _, leave := range []int64{0, 8 << 10, 30 << 10, 100 << 10} {
		t.Run(fmt.Sprint(leave>>10, "KiB"), func(t *testing.T) {
			disk := smallDisk(t)
			dir := filepath.Join(disk, "keyword")
			x := open(t, dir)
			source, change := rand.New(rand.NewPCG(1, 1)), int64(1)
			for ; change <= 5; change++ {
				apply(t, x, change, written(source, change)...)
			}
			for range 3 {
				change = fillUp(t, x, disk, leave, source, change)
			}
			expectAll(t, x, change-1)
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			x = open(t, dir)
			expectChange(t, x, change-1)
			expectAll(t, x, change-1)
			if count, err := x.Len(); err != nil || count != (change-1)*50 || x.Rebuilt() != nil {
				t.Errorf("Len: got %d, %v, want %d; rebuilt: %v", count, err, (change-1)*50, x.Rebuilt())
			}
		})
	}
}

// fillUp writes until the disk is full, tries some more, makes room and goes on
// with the change that failed. It returns the next change.
func fillUp(t *testing.T, x *keyword.Index, disk string, leave int64, source *rand.Rand, change int64) int64 {
	t.Helper()
	defer search(t, x)()
	release := occupy(t, disk, leave)
	batch := written(source, change)
	var err error
	for tries := 0; err == nil && tries < 100; tries++ {
		if err = x.Apply(batch, nil, change); err == nil {
			change++
			batch = written(source, change)
		}
	}
	if err == nil {
		t.Fatal("the disk never was full")
	}
	for range 3 {
		expectChange(t, x, change-1)
		expectAll(t, x, change-1)
		if err := x.Apply(batch, nil, change); err == nil { // opening anew has cleared up
			change++
			batch = written(source, change)
		} else if errors.Is(err, keyword.ErrBehind) {
			t.Fatal(err)
		}
	}
	release()
	for range 3 {
		apply(t, x, change, batch...)
		expectChange(t, x, change)
		change++
		batch = written(source, change)
	}
	return change
}

// search goes on searching until the function that it returns is called.
func search(t *testing.T, x *keyword.Index) (stop func()) {
	var group sync.WaitGroup
	ended := make(chan struct{})
	group.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			if hits, err := x.Search(t.Context(), "all", 10); err != nil || len(hits) == 0 {
				t.Errorf("search: got %v, %v", hits, err)
				return
			}
		}
	})
	return func() {
		close(ended)
		group.Wait()
	}
}

// TestFullDiskFromTheStart has not even room for an empty index.
func TestFullDiskFromTheStart(t *testing.T) {
	disk := smallDisk(t)
	dir := filepath.Join(disk, "keyword")
	for _, leave := range []int64{4 << 10, 20 << 10, 40 << 10, 70 << 10, 140 << 10} {
		release := occupy(t, disk, leave)
		x, err := keyword.Open(dir)
		t.Logf("%d KiB: %v", leave>>10, err)
		if err == nil {
			if err := x.Close(); err != nil {
				t.Log(err)
			}
		}
		release()
	}
	apply(t, open(t, dir), 1, keyword.Document{ID: 1, Tags: []string{"cat"}})
}
