package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/api"
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

// ratedSidecar is as digiKam writes one.
const ratedSidecar = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmp:Rating="RATING">
   <dc:title><rdf:Alt><rdf:li xml:lang="de">Leuchtturm</rdf:li><rdf:li xml:lang="x-default">lighthouse</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">on the cliffs</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`

// What a sidecar says is searched and filtered by as soon as it is there, and
// forgotten with it; no photo is decoded for that.
func TestWordsOfSidecarsAreSearchedAndFollowed(t *testing.T) {
	c, _ := newCollection(t)
	sidecar := func(rating string) {
		c.file("sub/b.jpg.xmp", []byte(strings.Replace(ratedSidecar, "RATING", rating, 1)))
	}
	untilFound := func(query, want string) {
		t.Helper()
		c.until(query+" finds "+want, func() bool { return strings.Join(c.find(query), " ") == want })
	}
	shown := func(want string) {
		t.Helper()
		out := c.succeeds("photo", "show", filepath.Join(c.photos, "sub/b.jpg"))
		if got := strings.Contains(out, "lighthouse") && strings.Contains(out, "on the cliffs"); got != (want != "") {
			t.Errorf("shown, want %q:\n%s", want, out)
		}
	}
	untilFound("is:rated", "")
	sidecar("4")
	untilFound("rating:>=3", "sub/b.jpg")
	shown("lighthouse")
	if found := c.find(`"lighthouse"`); len(found) == 0 || found[0] != "sub/b.jpg" {
		t.Errorf("by its title: %v", found)
	}
	sidecar("-1")
	untilFound("is:rejected", "sub/b.jpg")

	c.file("sub/b.jpg.xmp", []byte("<x:xmpmeta"))
	c.untilStatus("the damaged sidecar is told", func(s api.Status) bool {
		return s.UnreadableSidecars == 1 && len(s.Sidecars) == 1 && strings.HasSuffix(s.Sidecars[0].Text, "/sub/b.jpg.xmp") && strings.Contains(s.Sidecars[0].Reason, "not XMP")
	})
	if out := c.succeeds("status"); !strings.Contains(out, "1 sidecar cannot be read") || !strings.Contains(out, "b.jpg.xmp: is not XMP") {
		t.Errorf("status:\n%s", out)
	}
	if found := c.find("is:rejected"); len(found) != 1 {
		t.Errorf("what the sidecar said before is forgotten: %v", found)
	}
	c.close()
	c.open()
	untilFound("is:rejected", "sub/b.jpg")
	c.check(os.Remove(filepath.Join(c.photos, "sub/b.jpg.xmp")))
	untilFound("is:rated", "")
	untilFound("is:rejected", "")
	shown("")
	c.untilStatus("nothing is told of a sidecar that is gone", func(s api.Status) bool { return s.UnreadableSidecars == 0 })
	c.decoded(3)
}
