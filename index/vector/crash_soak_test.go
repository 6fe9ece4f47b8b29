//go:build soak

package vector

import (
	"math/rand/v2"
	"testing"
)

// TestKilledSoak kills a writer 200 times, while it applies, compacts and
// replaces its log.
func TestKilledSoak(t *testing.T) {
	c := &crasher{T: t, dir: t.TempDir(), rows: make(map[int64][]float32)}
	source := rand.New(rand.NewPCG(5, 2))
	for range 200 {
		c.killAndCheck(source)
	}
	t.Logf("killed 200 times: %d batches, %d rows, none wrong or lost", c.done, len(c.rows))
}
