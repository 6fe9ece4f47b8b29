//go:build soak

package main

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vsed/plugins/host"
)

const (
	mutants   = 5000
	mediaRoot = "../../../shared/data/media"
)

// TestSoakMutants sends 5,000 seeded mutants of real and made files through the real
// program: each ends in pixels or in a reason, and none costs more than one restart.
func TestSoakMutants(t *testing.T) {
	d := impatient(t)
	seeds := goldenSet(t, d)
	random := rand.New(rand.NewPCG(4, 2026))
	decoded, rejected, restarts := 0, 0, 0
	for i := range mutants {
		photo := mutated(random, seeds[random.IntN(len(seeds))], seeds)
		_, err := decodeBytes(t, d, photo)
		var verdict *host.RejectedError
		var crash *host.CrashError
		var timeout *host.TimeoutError
		switch {
		case err == nil:
			decoded++
		case errors.As(err, &verdict):
			rejected++
		case errors.As(err, &crash), errors.As(err, &timeout):
			restarts++
			t.Logf("mutant %d, %d bytes: %v", i, len(photo), err)
		default:
			t.Errorf("mutant %d, %d bytes: %v", i, len(photo), err)
		}
	}
	t.Logf("%d mutants of %d files: %d decoded, %d refused, %d cost a restart", mutants, len(seeds), decoded, rejected, restarts)
	if restarts > mutants/100 {
		t.Errorf("%d restarts", restarts)
	}
}

// impatient is a host that starts its decoder again at once.
func impatient(t *testing.T) *host.DecoderHost {
	t.Helper()
	folder, err := os.MkdirTemp("", "vsed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	command := host.Command{Name: "decoder vips", Path: built(t), RuntimeDir: folder}
	policy := host.Policy{CallTimeout: 20 * time.Second, BackoffFirst: time.Millisecond, BackoffLimit: time.Millisecond}
	d := host.NewDecoder(command, policy, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { d.Close() })
	return d
}

// decodeBytes waits out the pause after a crash.
func decodeBytes(t *testing.T, d *host.DecoderHost, photo []byte) (*host.Decoded, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, photo, 0o600); err != nil {
		t.Fatal(err)
	}
	for {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := d.Decode(t.Context(), file, usual())
		file.Close()
		var unavailable *host.UnavailableError
		if !errors.As(err, &unavailable) || unavailable.RetryAfter == 0 {
			os.Remove(path)
			return decoded, err
		}
		time.Sleep(unavailable.RetryAfter)
	}
}

// goldenSet are the samples and the real files at hand that can be decoded, of a
// size that mutates well.
func goldenSet(t *testing.T, d *host.DecoderHost) [][]byte {
	t.Helper()
	var seeds [][]byte
	for _, root := range []string{"../decoder/samples", mediaRoot} {
		_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || filepath.Ext(path) == ".txt" {
				return nil
			}
			photo, err := os.ReadFile(path)
			if err != nil || len(photo) > 2<<20 {
				return err
			}
			if _, err := decodeBytes(t, d, photo); err == nil {
				seeds = append(seeds, photo)
			}
			return nil
		})
	}
	if len(seeds) < 9 {
		t.Fatal("the samples are not there")
	}
	return seeds
}

// mutated cuts, flips, overwrites, grows, or gives another file's beginning.
func mutated(random *rand.Rand, photo []byte, others [][]byte) []byte {
	photo = slices.Clone(photo)
	switch random.IntN(5) {
	case 0:
		return photo[:random.IntN(len(photo))]
	case 1:
		for range 1 + random.IntN(64) {
			photo[random.IntN(len(photo))] ^= 1 << random.IntN(8)
		}
	case 2: // in the headers, where it hurts
		for range 1 + random.IntN(16) {
			photo[random.IntN(min(len(photo), 600))] = byte(random.Uint32())
		}
	case 3:
		at := random.IntN(len(photo))
		return slices.Concat(photo[:at], bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1<<16)), photo[at:])
	case 4:
		other := others[random.IntN(len(others))]
		copy(photo, other[:min(len(other), 16)])
	}
	return photo
}
