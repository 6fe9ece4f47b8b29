package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vsed/daemon/api"
)

// A state folder that is full pauses ingest with its reason; search goes on,
// and with room nothing has been lost.
func TestAFullDiskPausesIngestAndLosesNothing(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small tmpfs")
	}
	w := newWorld(t)
	w.check(os.Mkdir(w.state, 0o700))
	if err := syscall.Mount("tmpfs", w.state, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() {
		w.kill()
		w.check(syscall.Unmount(w.state, syscall.MNT_DETACH))
	})
	const first, count = 20, 200
	for i := range first {
		w.photo(fmt.Sprintf("%d.jpg", i), red, i)
	}
	w.start()
	w.settled()
	ballast := filepath.Join(w.state, "ballast")
	fill(t, ballast)
	for i := first; i < count; i++ {
		w.photo(fmt.Sprintf("%d.jpg", i), red, i)
	}
	status := w.untilStatus("the full disk is told", func(s api.Status) bool { return s.Problem != "" })
	if !strings.Contains(status.Problem, "full") && !strings.Contains(status.Problem, "no space") {
		t.Errorf("problem: %s", status.Problem)
	}
	if found := w.find("red"); len(found) < first {
		t.Errorf("on a full disk %d photos are found, want %d", len(found), first)
	}
	w.check(os.Remove(ballast))
	status = w.untilStatus("all is encoded", func(s api.Status) bool { return s.Ready && s.Photos.Total == count && s.Problem == "" })
	if status.Photos.Encoded != count {
		t.Errorf("with room again: %+v, set aside %+v", status.Photos, status.Quarantined)
	}
	if found := w.find("red"); len(found) != count {
		t.Errorf("found %d photos of %d", len(found), count)
	}
	w.stop()
}

// A disk that is full when vectors are to be made from features holds the swap up, and
// nothing else.
func TestAFullDiskHoldsUpAProjection(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a tmpfs")
	}
	w := newShelf(t)
	w.check(os.Mkdir(w.state, 0o700))
	if err := syscall.Mount("tmpfs", w.state, "tmpfs", 0, "size=300m"); err != nil { // `use` wants 256 free
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() {
		w.kill()
		w.check(syscall.Unmount(w.state, syscall.MNT_DETACH))
	})
	w.library(60)
	w.start()
	w.settled()
	first := w.answered("something")
	w.shelve("learned", learnedFlags+" --slow 100ms")
	w.use("learned", false)
	ballast := filepath.Join(w.state, "ballast")
	fill(t, ballast)
	w.until("the full disk is told", func() bool {
		swap, err := w.client.Swap(t.Context())
		return err == nil && strings.Contains(swap.Problem, "full")
	})
	if again := w.answered("something"); again != first {
		t.Errorf("on a full disk it answers %s, before %s", again, first)
	}
	w.check(os.Remove(ballast))
	w.untilServes("learned-space")
	if swap := w.untilStage(api.SwapNone); swap.Last.Coverage != (api.Coverage{Encoded: 60}) {
		t.Errorf("the swap ended with %+v", swap.Last)
	}
	w.stop()
}

// fill takes all the room that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		err = nil
	}
}
