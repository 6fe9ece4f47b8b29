package ingest

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
)

// TestAFileThatIsWrittenToWhileItIsReadGoesOnWaiting: what was read has another
// size than was noted, or is of two contents.
func TestAFileThatIsWrittenToWhileItIsReadGoesOnWaiting(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	root := t.TempDir()
	path := filepath.Join(root, "a.jpg")
	check(t, os.WriteFile(path, []byte("before"), 0o600))
	folder, err := c.AddFolder(t.Context(), root)
	check(t, err)
	p := New(Parts{Catalogue: c, Folders: folders.New(c, log), Log: log})
	photo, info, err := p.folders.OpenPhoto(t.Context(), folder.ID, root, "a.jpg")
	check(t, err)
	t.Cleanup(func() { photo.Close() })
	check(t, c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: "a.jpg", Stat: folders.Stat(info)}}))
	changed := func() bool {
		t.Helper()
		waiting, err := c.Undecoded(t.Context(), nil, 1)
		check(t, err)
		changed, err := p.changed(t.Context(), job{waiting[0], nil}, photo)
		check(t, err)
		return changed
	}
	if changed() {
		t.Error("a file that nobody wrote to has changed")
	}
	for what, write := range map[string]func() error{
		"longer":  func() error { return os.WriteFile(path, []byte("afterwards"), 0o600) },
		"as long": func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	} {
		check(t, write())
		if !changed() {
			t.Errorf("a file is as before when what is in it is %s", what)
		}
		if changed() {
			t.Errorf("its stat is not noted when what is in it is %s", what)
		}
	}
}
