//go:build soak

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// memory is what the daemon and its plugins hold, by the name of the program,
// in bytes.
type memory struct{ anonymous, mapped map[string]int64 }

// TestSoakMemory looks at the memory of a daemon with its plugins at 20,000 and
// at 100,000 small photos: while the last tenth of them is taken in, and at rest
// after some searches.
func TestSoakMemory(t *testing.T) {
	const few, many, growth = 20_000, 100_000, 1.10
	w := newWorld(t, "-dimensions", "512")
	w.start()
	busyFew, restFew := w.memoryAt(0, few)
	busyMany, restMany := w.memoryAt(few, many)
	for _, state := range []struct {
		name      string
		few, many memory
	}{{"busy", busyFew, busyMany}, {"at rest", restFew, restMany}} {
		t.Logf("%s: anonymous MB at %d photos %s, at %d %s", state.name, few, megabytes(state.few.anonymous), many, megabytes(state.many.anonymous))
		mapped := float64(sum(state.many.mapped)-sum(state.few.mapped)) / (many - few)
		t.Logf("%s: mapped MB %s, then %s: %.0f bytes a photo", state.name, megabytes(state.few.mapped), megabytes(state.many.mapped), mapped)
		if ratio := float64(sum(state.many.anonymous)) / float64(sum(state.few.anonymous)); ratio > growth {
			t.Errorf("%s: anonymous memory grew to %.2f times what it was", state.name, ratio)
		}
	}
}

// memoryAt adds photos up to a number, and gives the median of memory while the
// last tenth is taken in, and that at rest.
func (w *world) memoryAt(from, to int) (busy, rest memory) {
	w.Helper()
	w.noise(from, to)
	var samples []memory
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for begin := time.Now(); ; <-tick.C {
		status, err := w.client.Status(w.Context())
		w.check(err)
		if status.Photos.Encoded > int64(to-to/10) {
			samples = append(samples, w.memory())
		}
		if status.Photos.Encoded == int64(to) && status.Ready {
			w.Logf("%d photos in %v", to-from, time.Since(begin).Round(time.Second))
			break
		}
	}
	return median(samples), w.atRest()
}

// atRest searches a little, waits for a minute and takes the median of the last
// ten seconds: Go gives memory back in its own time.
func (w *world) atRest() memory {
	w.Helper()
	for i := range 100 {
		w.find([]string{"red", "blue", "grey noise", "photo"}[i%4])
	}
	time.Sleep(50 * time.Second)
	var samples []memory
	for range 20 {
		samples = append(samples, w.memory())
		time.Sleep(500 * time.Millisecond)
	}
	return median(samples)
}

func (w *world) memory() memory {
	w.Helper()
	now := memory{make(map[string]int64), make(map[string]int64)}
	for _, pid := range append(w.plugins(), w.daemon.Process.Pid) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil {
			continue // a decoder that was recycled a moment ago
		}
		program := strings.TrimSpace(string(name))
		now.anonymous[program] += statusBytes(w.T, pid, "RssAnon")
		now.mapped[program] += statusBytes(w.T, pid, "RssFile")
	}
	return now
}

// median takes the sample with the median sum of anonymous memory.
func median(samples []memory) memory {
	slices.SortFunc(samples, func(a, b memory) int { return int(sum(a.anonymous) - sum(b.anonymous)) })
	return samples[len(samples)/2]
}

func sum(by map[string]int64) (total int64) {
	for _, bytes := range by {
		total += bytes
	}
	return total
}

func megabytes(by map[string]int64) string {
	text := fmt.Sprintf("%.1f", float64(sum(by))/(1<<20))
	for program, bytes := range by {
		text += fmt.Sprintf(" %s %.1f", program, float64(bytes)/(1<<20))
	}
	return text
}

// noise makes photos from a number to another, each unlike all others, in
// folders of a thousand.
func (w *world) noise(from, to int) {
	w.Helper()
	past := time.Now().Add(-time.Hour)
	for i := from; i < to; i++ {
		picture := image.NewGray(image.Rect(0, 0, 48, 32))
		random := rand.New(rand.NewPCG(uint64(i), 0))
		for y := range 32 {
			for x := range 48 {
				if x%8 == 0 && y%8 == 0 {
					picture.Pix[y*48+x] = uint8(random.Uint32())
				} else {
					picture.Pix[y*48+x] = picture.Pix[(y-y%8)*48+x-x%8]
				}
			}
		}
		var encoded bytes.Buffer
		w.check(jpeg.Encode(&encoded, picture, nil))
		path := filepath.Join(w.photos, fmt.Sprint(i/1000), fmt.Sprintf("IMG_%06d.jpg", i))
		w.check(os.MkdirAll(filepath.Dir(path), 0o755))
		w.check(os.WriteFile(path, encoded.Bytes(), 0o644))
		w.check(os.Chtimes(path, past, past))
	}
}
