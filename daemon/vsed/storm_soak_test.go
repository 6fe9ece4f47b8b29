//go:build soak

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vsed/daemon/catalogue"
)

const (
	stormPhotos  = 50_000
	stormWriters = 4
)

// TestSoakStormReachesTheCatalogue makes 50,000 photos as fast as the disk
// allows, renames and deletions among them, under a daemon at work: in the end
// the catalogue has what is in the folder, file by file.
func TestSoakStormReachesTheCatalogue(t *testing.T) {
	w := newWorld(t)
	w.photo("template.jpg", red, 1)
	template, err := os.ReadFile(filepath.Join(w.photos, "template.jpg"))
	w.check(err)
	w.start()
	w.settled()
	start := time.Now()
	var written atomic.Int64
	var group sync.WaitGroup
	for writer := range stormWriters {
		group.Go(func() {
			if err := storm(filepath.Join(w.photos, fmt.Sprint(writer)), template, stormPhotos/stormWriters, uint64(writer), &written); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	made := time.Since(start)
	want := tree(t, w.photos)
	lastEncoded, moved := int64(-1), time.Now()
	for {
		status, err := w.client.Status(t.Context())
		w.check(err)
		if status.Ready && status.Photos.Encoded == int64(len(want)) {
			break
		}
		if status.Photos.Encoded != lastEncoded {
			lastEncoded, moved = status.Photos.Encoded, time.Now()
		}
		if time.Since(moved) > patience {
			t.Fatalf("nothing moves: %+v, want %d files encoded", status.Photos, len(want))
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Since(start)
	w.stop()
	got := w.known()
	for path, size := range want {
		if known, ok := got[path]; !ok || known != size {
			t.Errorf("%s has %d bytes, known are %d (%v)", path, size, known, ok)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is known and not there", path)
		}
	}
	t.Logf("storm: %d files written in %.1f s, %d left; encoded after %.1f s (%.0f a second); %d known, file by file as in the folder; events lost %d times",
		written.Load(), made.Seconds(), len(want), took.Seconds(), float64(len(want))/took.Seconds(), len(got),
		strings.Count(w.output.String(), "events of a folder were lost"))
}

// storm writes photos below a folder of its own; each has content of its own.
func storm(folder string, template []byte, photos int, seed uint64, written *atomic.Int64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	var files []string
	var problem error
	expect := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // what was renamed has another name by now
			problem = errors.Join(problem, err)
		}
	}
	write := func(name string) {
		content := fmt.Appendf(template[:len(template):len(template)], "%d %d %s", seed, written.Add(1), strings.Repeat("x", random.IntN(50)))
		expect(os.WriteFile(name, content, 0o644))
	}
	for made := range photos {
		album := fmt.Sprintf("%s/%d/deep/er", folder, made/500)
		if made%500 == 0 {
			expect(os.MkdirAll(album, 0o755))
		}
		name := fmt.Sprintf("%s/%d.jpg", album, made)
		write(name)
		files = append(files, name)
		old := files[random.IntN(len(files))]
		switch random.IntN(20) {
		case 0:
			expect(os.Remove(old))
		case 1:
			expect(os.Rename(old, fmt.Sprintf("%s/renamed-%d.jpg", folder, made)))
		case 2:
			if _, err := os.Stat(old); err == nil {
				write(old)
			}
		}
		if made%700 == 699 {
			expect(os.Rename(fmt.Sprintf("%s/%d", folder, random.IntN(made/500)), fmt.Sprintf("%s/moved-%d", folder, made)))
		}
		if made%3000 == 2999 {
			expect(os.RemoveAll(fmt.Sprintf("%s/%d", folder, random.IntN(made/500))))
		}
	}
	return problem
}

// tree gives the size of each file below a folder, by path.
func tree(t *testing.T, folder string) map[string]int64 {
	t.Helper()
	sizes := make(map[string]int64)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sizes[path] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// known gives the size of each file that a stopped daemon's catalogue has as
// present, by path: its photo's, which is that of the content that was read.
func (w *world) known() map[string]int64 {
	w.Helper()
	c, err := catalogue.Open(w.Context(), w.state)
	w.check(err)
	defer c.Close()
	sizes := make(map[string]int64)
	for place := (catalogue.Cursor{}); ; {
		photos, err := c.Changed(w.Context(), place, 500)
		w.check(err)
		if len(photos) == 0 {
			return sizes
		}
		for _, photo := range photos {
			for _, file := range photo.Files {
				if !file.Missing {
					sizes[file.Path] = photo.Size
				}
			}
		}
		last := photos[len(photos)-1]
		place = catalogue.Cursor{Change: last.Change, Photo: last.ID}
	}
}
