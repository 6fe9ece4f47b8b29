package thumbnail

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWrittenThumbnailsAreReadBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "thumbnails")
	store, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	digest := [32]byte{1, 2, 3}
	if _, err := store.Read(digest); !errors.Is(err, fs.ErrNotExist) || store.Has(digest) {
		t.Errorf("an absent thumbnail: %v", err)
	}
	for _, content := range [][]byte{[]byte("first"), []byte("second, longer")} {
		if err := store.Write(digest, content); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Read(digest); err != nil || !bytes.Equal(got, content) || !store.Has(digest) {
			t.Errorf("read %q, %v, want %q", got, err, content)
		}
	}
	if partial, _ := filepath.Glob(filepath.Join(folder, "partial-*")); len(partial) != 0 {
		t.Errorf("left behind: %v", partial)
	}
}

func TestADeletedFolderIsNamed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "thumbnails")
	store, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := store.Write([32]byte{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
