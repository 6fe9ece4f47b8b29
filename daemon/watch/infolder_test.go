package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestInFolderFollowsNoLink(t *testing.T) {
	path := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(path, "photos/a/b"), 0o755),
		os.MkdirAll(filepath.Join(path, "elsewhere"), 0o755),
		os.Symlink("../elsewhere", filepath.Join(path, "photos/link")),
		os.WriteFile(filepath.Join(path, "photos/file"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root := NewRoot(filepath.Join(path, "photos"), time.Minute)
	f := func(relative string, want error) {
		t.Helper()
		worked := false
		err := root.InFolder(t.Context(), relative, func(folder int) error {
			worked = true
			return unix.Fsync(folder)
		})
		if !errors.Is(err, want) || worked != (want == nil) {
			t.Errorf("%s: worked %v, %v", relative, worked, err)
		}
	}
	f(".", nil)
	f("a/b", nil)
	f("link", unix.ELOOP)
	f("file", unix.ENOTDIR)
	f("gone", fs.ErrNotExist)
	if err := root.InFolder(t.Context(), "..", func(int) error { return nil }); err == nil {
		t.Error("left the folder")
	}
	told := errors.New("told")
	if err := root.InFolder(t.Context(), "a", func(int) error { return told }); err != told {
		t.Errorf("got %v", err)
	}
}
