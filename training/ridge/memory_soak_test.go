//go:build soak

package ridge

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostMemory is what learning from 10,000 photos may take in all.
const mostMemory = 600 << 20

// bytesRows are features as a run holds them, a byte a value.
type bytesRows struct {
	width int
	bytes []byte
}

func (r bytesRows) Len() int   { return len(r.bytes) / r.width }
func (r bytesRows) Width() int { return r.width }
func (r bytesRows) Row(into []float32, i int) []float32 {
	for _, value := range r.bytes[i*r.width : (i+1)*r.width] {
		into = append(into, float32(value))
	}
	return into
}

// TestMemorySoak learns 1,000 tags from 10,000 photos of 3,104 values.
func TestMemorySoak(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	features := bytesRows{3104, make([]byte, 10_000*3104)}
	for i := range features.bytes {
		features.bytes[i] = byte(random.IntN(128))
	}
	examples := make([]Example, 10_000)
	for i := range examples {
		for range 5 {
			examples[i].Tags = append(examples[i].Tags, fmt.Sprint(random.IntN(1000)))
		}
	}
	begun := time.Now()
	if _, err := Fit(features, examples, Options{Lambda: Lambda(3104)}); err != nil {
		t.Fatal(err)
	}
	peak := peakMemory(t)
	t.Logf("10,000 photos, 1,000 tags: %.1f s, %d MB at most", time.Since(begun).Seconds(), peak>>20)
	if peak > mostMemory {
		t.Errorf("%d MB were used, %d are allowed", peak>>20, mostMemory>>20)
	}
}

func peakMemory(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("the system does not tell the memory")
	return 0
}
