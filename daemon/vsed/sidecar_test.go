package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const foreignSidecar = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/" darktable:history_end="3"
    xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>beach</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`

// The user's tags go to files beside the photos, as others read them, and come
// back from there as what they are.
func TestTagsAreWrittenToSidecars(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment = append(w.environment, "VSED_TAGS_WRITE_SIDECARS=true")
	w.photo("a.jpg", red, 1)
	w.photo("b.jpg", green, 2)
	w.file("b.xmp", []byte(foreignSidecar))
	w.check(os.Chmod(filepath.Join(w.photos, "a.jpg"), 0o444))
	before, err := os.Stat(filepath.Join(w.photos, "a.jpg"))
	w.check(err)
	w.start()
	w.settled()

	w.tag("add", "a.jpg", "dog")
	w.untilSidecar("a.jpg.xmp", func(text string) bool { return strings.Contains(text, "<rdf:li>dog</rdf:li>") })
	w.tag("add", "b.jpg", "cat")
	w.untilSidecar("b.xmp", func(text string) bool { return strings.Contains(text, "<rdf:li>cat</rdf:li>") })
	w.untilTags("a.jpg", "dog sidecar, dog user")
	w.untilTags("b.jpg", "beach sidecar, cat sidecar, cat user")

	w.restartsWithoutRewriting("a.jpg.xmp", "b.xmp")
	w.tag("remove", "b.jpg", "cat")
	w.untilSidecar("b.xmp", func(text string) bool { return text == foreignSidecar })
	w.untilTags("b.jpg", "beach sidecar")
	w.tag("remove", "a.jpg", "dog")
	w.untilSidecar("a.jpg.xmp", func(text string) bool { return !strings.Contains(text, "dog") })
	w.untilTags("a.jpg", "")

	after, err := os.Stat(filepath.Join(w.photos, "a.jpg"))
	w.check(err)
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) || after.Mode() != before.Mode() {
		t.Errorf("the photo was touched: %v, before %v", after, before)
	}
	if log := w.output.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the daemon complains:\n%s", log)
	}
}

func (w *world) tag(action, name string, tag string) {
	w.Helper()
	if _, stderr, status := w.vsectl("tag", action, filepath.Join(w.photos, name), tag); status != 0 {
		w.Fatal(stderr)
	}
}

func (w *world) untilSidecar(name string, done func(text string) bool) {
	w.Helper()
	w.until(name+" is written", func() bool {
		text, err := os.ReadFile(filepath.Join(w.photos, name))
		return err == nil && done(string(text))
	})
}

// untilTags waits for tags of a photo, with their sources.
func (w *world) untilTags(name, want string) {
	w.Helper()
	w.until(name+" has the tags "+want, func() bool {
		photos, err := w.client.PhotosByPath(w.Context(), filepath.Join(w.photos, name))
		w.check(err)
		var tags []string
		for _, tag := range photos[0].Tags {
			tags = append(tags, tag.Name+" "+tag.Source)
		}
		return strings.Join(tags, ", ") == want
	})
}

// restartsWithoutRewriting has the daemon write a sidecar after a restart, so
// that it has looked at all that was before, and compares the others.
func (w *world) restartsWithoutRewriting(names ...string) {
	w.Helper()
	var before []os.FileInfo
	for _, name := range names {
		info, err := os.Stat(filepath.Join(w.photos, name))
		w.check(err)
		before = append(before, info)
	}
	w.stop()
	w.start()
	w.photo("c.jpg", blue, 3)
	w.until("the new photo is known", func() bool {
		photos, err := w.client.PhotosByPath(w.Context(), filepath.Join(w.photos, "c.jpg"))
		return err == nil && len(photos) == 1
	})
	w.tag("add", "c.jpg", "bird")
	w.untilSidecar("c.jpg.xmp", func(text string) bool { return strings.Contains(text, "bird") })
	for i, name := range names {
		after, err := os.Stat(filepath.Join(w.photos, name))
		w.check(err)
		if !os.SameFile(before[i], after) || !before[i].ModTime().Equal(after.ModTime()) {
			w.Errorf("%s was written again after a restart", name)
		}
	}
}
