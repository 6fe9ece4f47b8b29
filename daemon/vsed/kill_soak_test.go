//go:build soak

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
)

const (
	soakPhotos = 5000
	soakKills  = 100
)

// contents gives what a stopped daemon's catalogue says: for each digest its
// paths, and its vector.
func (w *world) contents() map[[32]byte]string {
	w.Helper()
	c, err := catalogue.Open(w.Context(), w.state)
	w.check(err)
	defer c.Close()
	found := make(map[[32]byte]string)
	for place := (catalogue.Cursor{}); ; {
		photos, err := c.Changed(w.Context(), place, 500)
		w.check(err)
		vectors, err := c.Serving().Changed(w.Context(), place, 500)
		w.check(err)
		if len(photos) == 0 {
			return found
		}
		for i, photo := range photos {
			var paths []string
			for _, file := range photo.Files {
				paths = append(paths, file.Path[len(w.photos):])
			}
			slices.Sort(paths)
			found[photo.Digest] = fmt.Sprintf("%q %v missing=%v", paths, vectors[i].Vector, !photo.Visible())
		}
		last := photos[len(photos)-1]
		place = catalogue.Cursor{Change: last.Change, Photo: last.ID}
	}
}

func soakWorld(t *testing.T, flags ...string) *world {
	w := newWorld(t, flags...)
	for i := range soakPhotos {
		w.photo(fmt.Sprintf("%d/%d.jpg", i%50, i), red, i)
	}
	return w
}

// undisturbed is what the catalogue holds when nothing is killed.
func undisturbed(t *testing.T) map[[32]byte]string {
	w := soakWorld(t)
	w.start()
	w.settled()
	w.stop()
	return w.contents()
}

// ingests repeats the ingest from an empty state until kill has been done often
// enough, and compares the end of each with the undisturbed one.
func ingests(t *testing.T, kill func(w *world)) {
	want := undisturbed(t)
	if len(want) != soakPhotos {
		t.Fatalf("undisturbed: %d photos", len(want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	killed, runs := 0, 0
	for ; killed < soakKills; runs++ {
		w := soakWorld(t)
		w.start()
		for killed < soakKills {
			time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
			if status, err := w.client.Status(t.Context()); err == nil && status.Ready {
				break
			}
			kill(w)
			killed++
		}
		w.untilStatus("all is encoded", func(s api.Status) bool { return s.Ready && s.Photos.Encoded == soakPhotos })
		w.stop()
		got := w.contents()
		if len(got) != len(want) {
			t.Errorf("run %d: %d photos, want %d", runs, len(got), len(want))
		}
		for digest, entry := range want {
			if got[digest] != entry {
				t.Fatalf("run %d: %x is %s, want %s", runs, digest[:4], got[digest], entry)
			}
		}
	}
	t.Logf("%d kills in %d ingests of %d photos: nothing lost, nothing twice", killed, runs, soakPhotos)
}

func TestSoakKilledDaemons(t *testing.T) {
	ingests(t, func(w *world) {
		w.kill()
		w.start()
	})
}

func TestSoakKilledPlugins(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	ingests(t, func(w *world) {
		if plugins := w.plugins(); len(plugins) > 0 {
			syscall.Kill(plugins[random.IntN(len(plugins))], syscall.SIGKILL)
		}
	})
}
