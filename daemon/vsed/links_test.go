package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestALinkIsTheFolderThatItLeadsTo adds and removes folders by other paths to
// them.
func TestALinkIsTheFolderThatItLeadsTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := filepath.Dir(w.state)
	link := func(name, target string) string {
		path := filepath.Join(base, name)
		w.check(os.Symlink(target, path))
		return path
	}
	w.photo("in/a.jpg", red, 1)
	more := filepath.Join(base, "more")
	w.check(os.Mkdir(more, 0o755))
	same, inside, moreLink := link("same", w.photos), link("inside", w.photos+"/in"), link("more-link", more)
	around := link("around", base)
	w.start()
	w.settled()
	f := func(path, want string) {
		t.Helper()
		_, stderr, status := w.vsectl("folder", "add", path)
		if status == 0 || !strings.Contains(stderr, path) || !strings.Contains(stderr, w.photos) || !strings.Contains(stderr, want) {
			t.Errorf("folder add %s: status %d, %s", path, status, stderr)
		}
	}
	f(same, "is the same folder as")
	f(inside, "lies in")
	f(w.photos+"/in", "lies in")
	// The parent holds the state folder, too, which is said first.
	if _, stderr, status := w.vsectl("folder", "add", around); status == 0 || !strings.Contains(stderr, w.state) {
		t.Errorf("folder add %s: status %d, %s", around, status, stderr)
	}
	if _, stderr, status := w.vsectl("folder", "add", moreLink); status != 0 {
		t.Error(stderr)
	}
	status := w.settled()
	if len(status.Folders) != 2 || status.Folders[0].Text != more {
		t.Errorf("folders %+v", status.Folders)
	}
	if _, stderr, status := w.vsectl("photo", "show", same+"/in/a.jpg"); status != 0 {
		t.Error(stderr)
	}
	if _, stderr, status := w.vsectl("folder", "remove", moreLink); status != 0 {
		t.Error(stderr)
	}
	if status := w.settled(); len(status.Folders) != 1 {
		t.Errorf("folders %+v", status.Folders)
	}
}

// TestAConfiguredLinkKeepsItsName: it may lead to a disk that comes later, so it
// is watched by its own path; its photos are known by the other one, too.
func TestAConfiguredLinkKeepsItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	direct := w.photos
	w.photos = filepath.Join(filepath.Dir(w.state), "link")
	w.check(os.Symlink(direct, w.photos))
	w.start("--folder", direct)
	status := w.settled()
	if len(status.Folders) != 1 || status.Folders[0].Text != w.photos || status.Photos.Encoded != 1 {
		t.Errorf("folders %+v", status.Folders)
	}
	if said := w.output.String(); !strings.Contains(said, "is the same folder as") {
		t.Errorf("not told:\n%s", said)
	}
	for _, folder := range []string{direct, w.photos} {
		if _, stderr, status := w.vsectl("tag", "add", filepath.Join(folder, "a.jpg"), "word of "+filepath.Base(folder)); status != 0 {
			t.Error(stderr)
		}
	}
	if stdout, _, _ := w.vsectl("tag", "list", filepath.Join(direct, "a.jpg")); !strings.Contains(stdout, "word of photos") || !strings.Contains(stdout, "word of link") {
		t.Errorf("tags: %s", stdout)
	}
	if stdout, stderr, status := w.vsectl("search", "like:"+filepath.Join(direct, "a.jpg")); status > 1 || !strings.Contains(stdout, "a.jpg") {
		t.Errorf("like a photo by the other name of its folder: status %d, %s%s", status, stdout, stderr)
	}
	w.stop()
	w.start("--folder", direct) // it stays the one
	if status := w.settled(); len(status.Folders) != 1 || status.Folders[0].Text != w.photos || status.Photos.Total != 1 {
		t.Errorf("after a restart: %+v", status.Folders)
	}
}
