package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
)

// A collection is a world with a second root, whose decodes are counted.
type collection struct {
	*world
	other string // the second root
	past  int    // decodes of the daemons before this one
}

// newCollection holds a.jpg, with the user's tag "kept", and two photos more.
func newCollection(t *testing.T) (c *collection, a int64) {
	t.Helper()
	t.Parallel()
	w := newWorld(t)
	c = &collection{world: w, other: w.photos + "-other"}
	c.check(os.Mkdir(c.other, 0o755))
	c.environment = append(c.environment, "VSED_LOG_LEVEL=debug")
	c.photo("a.jpg", red, 1)
	c.photo("sub/b.jpg", green, 2)
	c.photo("c.jpg", blue, 3)
	c.open()
	c.tag("add", "a.jpg", "kept")
	c.decoded(3)
	return c, c.at("a.jpg")
}

func (c *collection) open() {
	c.Helper()
	c.start("--folder", c.other)
	c.settled()
}

func (c *collection) close() {
	c.Helper()
	c.stop()
	c.past, c.output = c.decodes(), &output{}
}

// decodes counts those to pixels: to read a file for its digest is none.
func (c *collection) decodes() int {
	return c.past + strings.Count(c.output.String(), `msg="decoded a photo"`)
}

// decoded compares the number of decodes since the beginning.
func (c *collection) decoded(want int) {
	c.Helper()
	c.settled()
	if got := c.decodes(); got != want {
		c.Errorf("%d decodes, want %d", got, want)
	}
}

// encoded compares the number of vectors made since the beginning.
func (c *collection) encoded(want int) {
	c.Helper()
	newest, got := c.settled().Change, 0
	for event, err := range c.client.Events(c.Context(), 0) {
		c.check(err)
		if event.Kind == catalogue.PhotoEncoded {
			got++
		}
		if event.Change >= newest {
			break
		}
	}
	if got != want {
		c.Errorf("%d photos were encoded, want %d", got, want)
	}
}

func (c *collection) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.photos, name)
}

// at gives the number of the photo that a file holds, or 0.
func (c *collection) at(name string) int64 {
	c.Helper()
	photos, err := c.client.PhotosByPath(c.Context(), c.path(name))
	c.check(err)
	if len(photos) != 1 {
		return 0
	}
	return photos[0].ID
}

// holds waits until a file holds a photo that is found there and has the user's
// tag.
func (c *collection) holds(name string, photo int64) {
	c.Helper()
	c.until(name+" holds the photo", func() bool { return c.at(name) == photo })
	c.settled()
	about, err := c.client.Photo(c.Context(), photo)
	c.check(err)
	if about.State != "encoded" || len(about.Tags) != 1 || about.Tags[0].Name != "kept" {
		c.Errorf("%s: %+v", name, about)
	}
}

// holdsNew waits until a file holds another photo, which no file held before.
func (c *collection) holdsNew(name string, than int64) (photo int64) {
	c.Helper()
	c.until(name+" holds a new photo", func() bool {
		photo = c.at(name)
		return photo > than
	})
	return photo
}

func (c *collection) rename(from, to string) {
	c.Helper()
	c.check(os.MkdirAll(filepath.Dir(c.path(to)), 0o755))
	c.check(os.Rename(c.path(from), c.path(to)))
}

// copy makes a file anew and leaves it as old as the other, as `cp -a` does.
func (c *collection) copy(from, to string) {
	c.Helper()
	if out, err := exec.Command("cp", "-a", c.path(from), c.path(to)).CombinedOutput(); err != nil {
		c.Fatalf("%v: %s", err, out)
	}
}

func TestMovedPhotosAreNotDecodedAgain(t *testing.T) {
	c, a := newCollection(t)
	at := "a.jpg"
	for _, to := range []string{
		"renamed.jpg", "Renamed.JPG", // by its case only
		"deep/er/renamed.jpg", filepath.Join(c.other, "a.jpg"), "a.jpg",
	} {
		c.rename(at, to)
		c.holds(to, a)
		at = to
	}
	c.rename("sub", "moved") // as a whole
	c.until("the folder is moved", func() bool { return c.at("moved/b.jpg") != 0 })
	c.copy("a.jpg", filepath.Join(c.other, "copied.jpg")) // a move between disks
	c.check(os.Remove(c.path("a.jpg")))
	c.holds(filepath.Join(c.other, "copied.jpg"), a)
	c.decoded(3)
	c.encoded(3)
	c.close()
	c.rename(filepath.Join(c.other, "copied.jpg"), "while-away.jpg")
	c.open()
	c.holds("while-away.jpg", a)
	c.decoded(3)
	c.encoded(3)
}

func TestCopiesAndLinksAreOnePhoto(t *testing.T) {
	c, a := newCollection(t)
	c.check(os.Link(c.path("a.jpg"), c.path("sub/linked.jpg")))
	c.holds("sub/linked.jpg", a)
	c.copy("a.jpg", filepath.Join(c.other, "copy.jpg"))
	c.holds(filepath.Join(c.other, "copy.jpg"), a)
	c.check(os.Remove(c.path("a.jpg")))
	c.until("the file is missing", func() bool { return c.settled().Photos.Missing == 1 })
	c.holds("sub/linked.jpg", a)
	about, err := c.client.Photo(c.Context(), a)
	c.check(err)
	gone := api.NewPath(c.path("a.jpg"))
	if len(about.Paths) != 2 || slices.Contains(about.Paths, gone) || !slices.Equal(about.Missing, []api.Path{gone}) {
		c.Errorf("paths %v, missing %v", about.Paths, about.Missing)
	}
	if csv, _, _ := c.vsectl("export", "tags"); strings.Count(csv, "kept") != 2 || strings.Contains(csv, gone.Text) {
		c.Errorf("exported %s", csv)
	}
	if status := c.settled(); status.Photos.Encoded != 4 {
		t.Errorf("counts %+v", status.Photos)
	}
	c.decoded(3)
	c.encoded(3)
}

func TestReplacedAndEditedPhotos(t *testing.T) {
	c, a := newCollection(t)
	b := c.at("sub/b.jpg")
	c.copy("sub/b.jpg", "partial") // known content in the place of other content
	c.rename("partial", "a.jpg")
	c.until("a.jpg holds the other photo", func() bool { return c.at("a.jpg") == b })
	c.decoded(3)
	if photo, err := c.client.Photo(t.Context(), b); err != nil || len(photo.Tags) != 0 {
		t.Errorf("a copy over a file took its tags: %+v, %v", photo, err)
	}

	c.photo("a.jpg", red, 1) // and back
	c.holds("a.jpg", a)
	c.decoded(3)

	before, err := os.ReadFile(c.path("a.jpg"))
	c.check(err)
	c.photo("a.jpg", red, 4)         // an editor that writes a new file
	edited := c.holdsNew("a.jpg", 3) // all that there were
	c.holds("a.jpg", edited)
	c.decoded(4)

	c.check(os.WriteFile(c.path("a.jpg"), before, 0o644)) // and one that writes into it: undone
	c.holds("a.jpg", a)
	c.decoded(4)
	c.encoded(4)
}

func TestRestoredPhotosAreNotDecodedAgain(t *testing.T) {
	c, a := newCollection(t)
	backup := c.photos + "-backup"
	c.copy(".", backup)
	c.photo("a.jpg", red, 5) // an edit after the backup
	edited := c.holdsNew("a.jpg", a)
	c.holds("a.jpg", edited)
	c.decoded(4)
	c.close()
	c.check(os.RemoveAll(c.photos))
	c.copy(backup, c.photos)
	c.open()
	c.until("all is back", func() bool { return c.settled().Photos.Encoded == 3 })
	c.holds("a.jpg", a)
	c.decoded(4)
	c.encoded(4)
}

// A catalogue from a backup knows nothing of what came after it, but decodes
// none of what it knows; the vectors are kept in a newer file.
func TestARestoredCatalogueDecodesOnlyWhatItDoesNotKnow(t *testing.T) {
	c, a := newCollection(t)
	c.close()
	backup := filepath.Join(c.state, "catalogue.db")
	c.copy(backup, backup+".backup")
	c.open()
	c.photo("late.jpg", blue, 6)
	c.holdsNew("late.jpg", a)
	c.tag("remove", "a.jpg", "kept")
	c.rename("c.jpg", "renamed.jpg")
	c.until("it is renamed", func() bool { return c.at("renamed.jpg") != 0 })
	c.decoded(4)
	c.close()
	c.check(os.Rename(backup+".backup", backup))
	c.open()
	c.until("all is found", func() bool { return c.settled().Photos.Encoded == 4 })
	c.holds("a.jpg", a)
	c.decoded(5) // late.jpg
	c.until("the keyword index follows", func() bool { found := c.find("kept"); return len(found) > 0 && found[0] == "a.jpg" })
}
