package sidecar

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What cannot be written for lack of room or of permission to write is written
// once it can be, and leaves no half file.
func TestAFullOrReadOnlyFolderIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	mount := filepath.Join(w.folder, "mount")
	w.check(os.Mkdir(mount, 0o755))
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { w.check(unix.Unmount(mount, unix.MNT_DETACH)) })
	photo := w.photo("mount/a.jpg")
	f := func(tag, reason string, spoil, mend func() error) {
		t.Helper()
		w.log.Reset()
		w.check(spoil())
		w.add(photo, tag)
		if log := w.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, reason) {
			t.Errorf("log %s", log)
		}
		w.check(mend())
		w.writer.troubles[place{w.id, "mount"}].next = time.Now()
		w.check(w.writer.catchUp(t.Context()))
		if text := string(w.text("mount/a.jpg.xmp")); !strings.Contains(text, tag) {
			t.Errorf("%s: got %s", reason, text)
		}
		if _, err := os.Lstat(filepath.Join(mount, temporaryName)); err == nil {
			t.Errorf("%s: a half file is left", reason)
		}
	}
	remount := func(flags uintptr) func() error {
		return func() error { return unix.Mount("", mount, "", unix.MS_REMOUNT|flags, "") }
	}
	filler := filepath.Join(mount, "filler")
	f("dog", "make room", func() error {
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
			t.Error("the disk is not full")
		}
		return nil
	}, func() error { return os.Remove(filler) })
	f("cat", "let vsed write", remount(unix.MS_RDONLY), remount(0))
}
