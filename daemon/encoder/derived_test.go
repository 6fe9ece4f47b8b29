package encoder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/plugins/contract"
)

func TestInstallFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.start()
	w.untilServes("builtin-space")
	made := t.TempDir()
	w.check(os.WriteFile(filepath.Join(made, "flags"), []byte("--space learned-space"), 0o600))
	w.check(os.MkdirAll(filepath.Join(made, "golden"), 0o700))
	w.check(os.WriteFile(filepath.Join(made, "golden", "0.png"), nil, 0o600))
	w.check(w.manager.InstallFolder(t.Context(), "learned-1", made))
	one, err := os.Stat(filepath.Join(made, "golden", "0.png"))
	w.check(err)
	other, err := os.Stat(filepath.Join(w.state, "encoders", "learned-1", "golden", "0.png"))
	w.check(err)
	if !os.SameFile(one, other) {
		t.Log("the file is copied: are the two folders on two disks?")
	}
	w.check(w.manager.Use(t.Context(), "learned-1", true))
	w.untilServes("learned-space")

	f := func(want, name string) {
		t.Helper()
		if err := w.manager.InstallFolder(t.Context(), name, made); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		left, err := filepath.Glob(filepath.Join(w.state, "encoders", ".partial-*"))
		if err != nil || len(left) > 0 || w.known("learned-2").Name != "" {
			t.Errorf("it left %q, %v", left, err)
		}
	}
	f("serves, is kept or comes in", "learned-1")
	w.check(os.WriteFile(filepath.Join(made, "flags"), []byte("--no-such-flag"), 0o600))
	f("does not work", "learned-2")
	w.check(os.Symlink("/etc/passwd", filepath.Join(made, "golden", "1.png")))
	f("golden/1.png is no plain file", "learned-2")
	var upload *BadUploadError
	if err := w.manager.InstallFolder(t.Context(), "learned-2", made); !errors.As(err, &upload) {
		t.Errorf("got %v, want it to be the bundle's fault", err)
	}
}

// Learned tags take what they took of 100,000 photos with four each: 42 bytes.
func TestLearnedTagsNeedRoomToo(t *testing.T) {
	f := func(tags int, want int64) {
		t.Helper()
		about := &contract.EncoderDescription{Dimensions: 512, FeatureBytes: 3000, LearnedTags: make([]string, tags)}
		if got := bytesFor(about, 1000, 1000); got != want {
			t.Errorf("%d tags: %d bytes for a thousand photos, want %d", tags, got, want)
		}
	}
	f(0, 2_816_000)
	f(5, 3_026_000)
	f(5000, 4_160_000) // a photo has 32 at most
}
