//go:build soak

package runtime

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// anonymous is how much private memory the process has, in MB.
func anonymous(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes / 1024
}

// TestMemorySoak shows what a session of the built-in picture graph holds, and
// that closing it gives that back.
func TestMemorySoak(t *testing.T) {
	const path = "../../build/encoders/builtin/image.onnx"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no built-in bundle: run `make model` first")
	}
	library := load(t)
	for _, frugal := range []bool{false, true} {
		before := anonymous(t)
		session, err := library.Open(path, Options{Frugal: frugal})
		if err != nil {
			t.Fatal(err)
		}
		run := func(batch int64) int {
			if _, err := session.Run(t.Context(), Tensor{[]int64{batch, 224, 224, 3}, make([]byte, batch*224*224*3)}); err != nil {
				t.Fatal(err)
			}
			return anonymous(t) - before
		}
		opened := anonymous(t) - before
		run(8)
		steady := run(8)
		var mixed int
		for batch := int64(1); batch <= 8; batch++ {
			mixed = run(batch)
		}
		if err := session.Close(); err != nil {
			t.Fatal(err)
		}
		closed := anonymous(t) - before
		t.Logf("frugal %v: %d MB opened, %d MB at batch 8, %d MB after batches of 1 to 8, %d MB closed", frugal, opened, steady, mixed, closed)
		if closed > mixed/3 {
			t.Errorf("frugal %v: %d of %d MB stay behind", frugal, closed, mixed)
		}
	}
}
