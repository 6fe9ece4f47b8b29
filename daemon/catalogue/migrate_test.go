package catalogue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNewerCatalogueIsRefused(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	if _, err := c.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	check(t, c.Close())
	if _, err := Open(t.Context(), folder); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a catalogue of schema 99: %v", err)
	}
}

func TestADamagedCatalogueIsNamedAndKept(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "catalogue.db")
	garbage := bytes.Repeat([]byte("not a database "), 1000)
	check(t, os.WriteFile(path, garbage, 0o600))
	if _, err := Open(t.Context(), folder); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened, or not named: %v", err)
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, garbage) {
		t.Error("the damaged file was changed")
	}
}

// Every schema that was ever in a release, with rows, becomes the newest one.
func TestOldSchemasMigrateAndLeaveACopy(t *testing.T) {
	for version := 1; version < newestSchema(); version++ {
		folder := t.TempDir()
		path := filepath.Join(folder, "catalogue.db")
		db := openDatabase(path)
		for schema := 1; schema <= version; schema++ {
			statements, err := step(schema)
			check(t, err)
			_, err = db.Exec(statements)
			check(t, err)
		}
		rows, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.sql", version))
		check(t, err)
		_, err = db.Exec(string(rows) + fmt.Sprintf("; PRAGMA user_version = %d", version))
		check(t, err)
		check(t, db.Close())
		if err := CheckSchema(t.Context(), folder); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("schema %d", version)) {
			t.Errorf("schema %d is told as %v", version, err)
		}
		c := open(t, folder)
		check(t, CheckSchema(t.Context(), folder))
		photo := must[Photo](t)(c.Photo(t.Context(), 1))
		if len(photo.Files) != 1 || photo.Files[0].Path != "/photos/a.jpg" || len(photo.Tags) != 1 || photo.Tags[0].Name != "dog" {
			t.Errorf("from schema %d: %+v", version, photo)
		}
		if copies := must[[]string](t)(filepath.Glob(path + ".schema-*")); !slices.Equal(copies, []string{fmt.Sprintf("%s.schema-%d", path, version)}) {
			t.Errorf("from schema %d: copies %v", version, copies)
		}
	}
}

func TestANewCatalogueHasNoCopies(t *testing.T) {
	folder := t.TempDir()
	check(t, open(t, folder).Close())
	if copies := must[[]string](t)(filepath.Glob(filepath.Join(folder, "*.schema-*"))); len(copies) > 0 {
		t.Errorf("copies of nothing: %v", copies)
	}
}

func TestACopyIsWholeOrNotThere(t *testing.T) {
	c := open(t, t.TempDir())
	library(t, c, "a.jpg")
	folder := t.TempDir()
	path := filepath.Join(folder, "copy")
	there := func(when string, want ...string) {
		t.Helper()
		var names []string
		for _, entry := range must[[]os.DirEntry](t)(os.ReadDir(folder)) {
			names = append(names, entry.Name())
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: %v, want %v", when, names, want)
		}
	}
	check(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	if err := keepCopy(t.Context(), c.write, path); err == nil {
		t.Error("a folder was replaced by a copy")
	}
	there("after a failure", "copy")
	check(t, os.RemoveAll(path))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := keepCopy(cancelled, c.write, path); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	there("after a stop")
	check(t, os.WriteFile(path+".partial", []byte("left by a kill"), 0o600))
	check(t, keepCopy(t.Context(), c.write, path))
	there("in the end", "copy")
	db := openDatabase(path)
	t.Cleanup(func() { check(t, db.Close()) })
	var photos int
	if err := db.QueryRow("SELECT count(*) FROM photo").Scan(&photos); err != nil || photos != 1 {
		t.Errorf("the copy has %d photos, %v", photos, err)
	}
}

// A number that an older copy of the catalogue gives again must not find
// another photo's vector.
func TestARestoredCatalogueFindsNoForeignVector(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	library(t, c)
	check(t, keepCopy(t.Context(), c.write, c.path()+".backup"))
	_, photos := library(t, c, "first.jpg")
	check(t, c.Close())
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(c.path() + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	check(t, os.Rename(c.path()+".backup", c.path()))
	c = open(t, folder)
	root := must[[]Folder](t)(c.Folders(t.Context()))[0]
	check(t, c.Observe(t.Context(), root.ID, []Observation{{Path: "other.jpg", Stat: stat(7)}}))
	photo, lacking, err := c.Identify(t.Context(), must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0].ID, stat(7), content(77), c.Serving())
	check(t, err)
	if photo != photos[0] || len(lacking) != 1 {
		t.Errorf("photo %d lacks %v; want photo %d to lack a vector", photo, lacking, photos[0])
	}
}

// Photos of schema 1 have no metadata: they are read once more, and keep their
// vectors.
func TestPhotosOfSchema1AreReadAgain(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "b.jpg")
	_, err := c.write.Exec(`UPDATE photo SET size = 0, title = '' WHERE id = ?`, photos[0])
	check(t, err)
	waiting := must[[]WaitingFile](t)(c.Serving().Unencoded(t.Context(), nil, 10))
	if len(waiting) != 1 || waiting[0].Path != "a.jpg" {
		t.Fatalf("to be read: %+v", waiting)
	}
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(9)}}))
	copied := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0]
	if must[bool](t)(c.Recognise(t.Context(), copied.ID, stat(9), content(0).Digest, c.Serving())) {
		t.Error("a photo without metadata was recognised")
	}
	read := content(0)
	read.Title = "Sunset"
	if _, lacking, err := c.Identify(t.Context(), waiting[0].ID, stat(0), read, c.Serving()); err != nil || len(lacking) != 0 {
		t.Errorf("lacks a vector: %v, %v", lacking, err)
	}
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); photo.Title != "Sunset" {
		t.Errorf("after reading: %+v", photo)
	}
	if waiting := must[[]WaitingFile](t)(c.Serving().Unencoded(t.Context(), nil, 10)); len(waiting) != 0 {
		t.Errorf("to be read again: %+v", waiting)
	}
}
