package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A picture that lies outside of every folder is sent, decoded and compared, and
// becomes no photo.
func TestLikeAPictureOutsideTheLibrary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("red.jpg", red, 1)
	w.photo("green.jpg", green, 2)
	w.photo("blue.jpg", blue, 3)
	w.start()
	w.settled()
	content, err := os.ReadFile(filepath.Join(w.photos, "green.jpg"))
	w.check(err)
	outside := filepath.Join(t.TempDir(), "an upload.jpg")
	w.check(os.WriteFile(outside, append(content, 0), 0o600))
	text, complaint, status := w.vsectl("search", "--limit", "1", `like:"`+outside+`" group:off`)
	if status > 1 || !strings.Contains(text, "green.jpg") {
		t.Errorf("status %d: %s%s", status, text, complaint)
	}
	if found := w.find("sort:date"); len(found) != 3 {
		t.Errorf("the library has %v", found)
	}
	w.check(os.WriteFile(outside, []byte("no picture"), 0o600))
	if _, complaint, status := w.vsectl("search", `like:"`+outside+`"`); status == 0 || !strings.Contains(complaint, "cannot be read") {
		t.Errorf("what is no picture: status %d, %s", status, complaint)
	}
}
