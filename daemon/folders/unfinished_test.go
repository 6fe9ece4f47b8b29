package folders

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"vsed/daemon/catalogue"
)

// writing keeps a folder while programs write to it in their ways.
func writing(t *testing.T, present ...string) (h *house, folder int64, root string) {
	t.Helper()
	root = t.TempDir()
	write(t, root, present...)
	h = keep(t)
	folder = h.add(root)
	eventually(t, "scanned", func() bool { return !h.stored(folder).LastScan.IsZero() })
	return h, folder, root
}

// growing writes a file in parts that are further apart than the watcher's settle
// time, and leaves its time of writing at now.
func growing(t *testing.T, path string, expect func()) {
	t.Helper()
	file, err := os.Create(path)
	check(t, err)
	defer file.Close()
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	for range 2 {
		_, err := file.WriteString("more")
		check(t, err)
		<-tick.C
		expect()
	}
}

// stat is what is known of a file that waits to be decoded.
func (h *house) stat(path string) catalogue.Stat {
	h.t.Helper()
	files, err := h.catalogue.Undecoded(h.t.Context(), nil, 1000)
	check(h.t, err)
	for _, file := range files {
		if file.Path == path {
			return file.Stat
		}
	}
	h.t.Fatalf("%s does not wait", path)
	return catalogue.Stat{}
}

// neverMissing wants no file to have been declared missing.
func (h *house) neverMissing() {
	h.t.Helper()
	for _, event := range h.events() {
		if event.Kind == catalogue.FileMissing {
			h.t.Errorf("%s was declared missing", event.Path)
		}
	}
}

// TestRsync copies a file under a hidden name, gives it the time of the original
// and its own name: it is whole then, and waits for nothing.
func TestRsync(t *testing.T) {
	t.Parallel()
	h, folder, root := writing(t, "known.jpg")
	old := time.Unix(1_234_567_890, 123_000_000)
	for _, name := range []string{"new.jpg", "known.jpg"} {
		before := h.paths(folder)
		temporary := filepath.Join(root, "."+name+".Zk3qPx")
		growing(t, temporary, func() {
			if got := h.paths(folder); got != before {
				t.Fatalf("while it is copied: %s", got)
			}
		})
		check(t, os.Chtimes(temporary, old, old))
		check(t, os.Rename(temporary, filepath.Join(root, name)))
		eventually(t, "the copy is taken in", func() bool {
			return h.paths(folder) == "known.jpg new.jpg" && h.stat(name).ModifiedNanos == old.UnixNano() && h.stat(name).Size == 8
		})
	}
	h.neverMissing()
}

// TestDownloads writes as browsers do: under a name of their own, one of them
// with an empty file under the name to come.
func TestDownloads(t *testing.T) {
	t.Parallel()
	h, folder, root := writing(t)
	at := func(name string) string { return filepath.Join(root, name) }
	temporary := map[string]string{"a.jpg": "a.jpg.part", "b.jpg": "Unconfirmed 123.crdownload", "c.jpg": "c.jpg~", "d.jpg": "d.jpg.tmp"}
	for _, name := range temporary {
		growing(t, at(name), func() {
			if got := h.paths(folder); got != "" {
				t.Fatalf("while it is downloaded: %s", got)
			}
		})
	}
	check(t, os.WriteFile(at("a.jpg"), nil, 0o644))
	for name, from := range temporary {
		check(t, os.Rename(at(from), at(name)))
	}
	h.expect(folder, "a.jpg b.jpg c.jpg d.jpg")
	if size := h.stat("a.jpg").Size; size != 8 {
		t.Errorf("taken in with %d bytes", size)
	}
	eventually(t, "no temporary file is known", func() bool {
		counts, err := h.catalogue.Count(t.Context())
		check(t, err)
		return counts[folder].Ignored == 0
	})
}

// TestSaves replaces files as editors do: by another one that takes the name, and
// by a new one after the old was put aside.
func TestSaves(t *testing.T) {
	t.Parallel()
	h, folder, root := writing(t, "a.jpg", "b.jpg", "c.jpg")
	at := func(name string) string { return filepath.Join(root, name) }
	save := func(name string) { check(t, os.WriteFile(at(name), []byte("what was edited"), 0o644)) }
	save(".goutputstream-XYZ123")
	check(t, os.Rename(at(".goutputstream-XYZ123"), at("a.jpg")))
	check(t, os.Rename(at("b.jpg"), at("b.jpg~")))
	save("b.jpg")
	check(t, os.Remove(at("b.jpg~")))
	save("c.jpg") // in place
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		eventually(t, name+" is seen edited", func() bool { return h.stat(name).Size == 15 })
	}
	h.expect(folder, "a.jpg b.jpg c.jpg")
	h.neverMissing()
}

// TestHeldFileBecomesFolder looks no more for a file in whose place a folder is.
func TestHeldFileBecomesFolder(t *testing.T) {
	t.Parallel()
	h, folder, root := writing(t)
	f := h.stopped(folder)
	path := filepath.Join(root, "a.jpg")
	check(t, os.WriteFile(path, nil, 0o644))
	check(t, f.look(t.Context(), []string{"a.jpg"}, time.Now()))
	if len(f.settling.files) != 1 {
		t.Fatal("it is not waited for")
	}
	check(t, os.Remove(path))
	check(t, os.Mkdir(path, 0o755))
	check(t, f.look(t.Context(), []string{"a.jpg"}, time.Now()))
	if len(f.settling.files) != 0 {
		t.Errorf("still waited for: %v", f.settling.files)
	}
}
