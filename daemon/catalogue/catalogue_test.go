package catalogue

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

func open(t *testing.T, folder string) *Catalogue {
	t.Helper()
	c, err := Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stat(inode int) Stat {
	return Stat{Device: math.MaxUint64, Inode: uint64(inode), Size: 10, ModifiedNanos: 1, ChangedNanos: 2}
}

func content(n byte) Content {
	return Content{Digest: [32]byte{n}, Format: "jpeg", Width: 4, Height: 3}
}

// encode takes the waiting file through to its vector.
func encode(t *testing.T, c *Catalogue, file WaitingFile, s Stat, what Content) int64 {
	t.Helper()
	photo, needs, err := c.Identify(t.Context(), file.ID, s, what)
	check(t, err)
	if needs {
		check(t, c.StoreEmbeddings(t.Context(), map[int64]Embedding{photo: {Vector: []float32{1, 0}, Provider: "cpu", Precision: "float32"}}))
	}
	return photo
}

// library is a folder of files, one photo each, encoded.
func library(t *testing.T, c *Catalogue, names ...string) (folder Folder, photos []int64) {
	t.Helper()
	check(t, c.UseSpace(t.Context(), "test-space"))
	folder = must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	for i, name := range names {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: name, Stat: stat(i)}}))
		waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10))
		if len(waiting) != 1 || waiting[0].Path != name {
			t.Fatalf("waiting: %+v, want %q", waiting, name)
		}
		photos = append(photos, encode(t, c, waiting[0], stat(i), content(byte(i))))
	}
	return folder, photos
}

func TestEveryFileIsAccountedFor(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "encoded.jpg", "gone.jpg")
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{
		{Path: "encoded.jpg", Stat: stat(0)},
		{Path: "waiting.jpg", Stat: stat(7)},
		{Path: "bad.jpg", Stat: stat(8)},
		{Path: ".hidden", Stat: stat(9), Rule: "hidden"},
	}))
	check(t, scan.Finish(t.Context()))
	for _, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10)) {
		if file.Path == "bad.jpg" {
			check(t, c.Quarantine(t.Context(), file.ID, "is text"))
		}
	}
	want := Counts{Encoded: 1, Waiting: 1, Quarantined: 1, Missing: 1, Ignored: 1, IgnoredBy: map[string]int64{"hidden": 1}}
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	check(t, c.SetFolderState(t.Context(), folder.ID, true, "not mounted"))
	want = Counts{Offline: 3, Missing: 1, Ignored: 1, IgnoredBy: want.IgnoredBy}
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("offline: counts %+v, want %+v", got, want)
	}
}

func TestAnUnchangedTreeCostsNoChange(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "a.jpg", "b.jpg")
	before := must[int64](t)(c.Change(t.Context()))
	scan := c.BeginScan(folder.ID)
	check(t, scan.Observe(t.Context(), []Observation{{Path: "a.jpg", Stat: stat(0)}, {Path: "b.jpg", Stat: stat(1)}}))
	check(t, scan.Finish(t.Context()))
	if after := must[int64](t)(c.Change(t.Context())); after != before {
		t.Errorf("change %d after a scan that saw nothing new, was %d", after, before)
	}
}

func TestRenameKeepsPhotoAndTags(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "sub/new.jpg", Stat: stat(0)}}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	photo := must[Photo](t)(c.Photo(t.Context(), photos[0]))
	if photo.Files[0].Path != "/photos/sub/new.jpg" || photo.Files[0].Missing || len(photo.Tags) != 1 {
		t.Errorf("after a rename: %+v", photo)
	}
	if waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10)); len(waiting) != 0 {
		t.Errorf("a rename waits for a decode: %+v", waiting)
	}
}

func TestChangedContentIsDecodedAgain(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	edited := stat(0)
	edited.ModifiedNanos++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: edited}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10))
	if len(waiting) != 1 {
		t.Fatalf("waiting: %+v", waiting)
	}
	if photo, _, err := c.Identify(t.Context(), waiting[0].ID, stat(0), content(9)); err != nil || photo != 0 {
		t.Errorf("a decode of what the file held before was taken: photo %d, %v", photo, err)
	}
	if photo := encode(t, c, waiting[0], edited, content(9)); photo == photos[0] {
		t.Error("new content has the old photo")
	}
	if old := must[Photo](t)(c.Photo(t.Context(), photos[0])); old.Visible() {
		t.Errorf("the old content is still shown: %+v", old)
	}
}

func TestVanishedDirectoryTakesOnlyItsOwnFiles(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "dir/a.jpg", "dir/b/c.jpg", "dir-2/a.jpg", "dir0", "di\xffr")
	check(t, c.Vanished(t.Context(), folder.ID, []string{"dir"}))
	if got := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID]; got.Missing != 2 || got.Encoded != 3 {
		t.Errorf("counts %+v, want 2 missing, 3 encoded", got)
	}
}

func TestChangedPagesThroughSharedChangeNumbers(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a", "b", "c", "d", "e")
	check(t, c.SetFolderState(t.Context(), folder.ID, true, "")) // one change number for all five
	var seen []int64
	for cursor := (Cursor{}); ; {
		page := must[[]Photo](t)(c.Changed(t.Context(), cursor, 2))
		if len(page) == 0 {
			break
		}
		for _, photo := range page {
			if len(photo.Vector) != 2 {
				t.Errorf("photo %d has the vector %v", photo.ID, photo.Vector)
			}
			seen = append(seen, photo.ID)
		}
		cursor = Cursor{page[len(page)-1].Change, page[len(page)-1].ID}
	}
	if !slices.Equal(seen, photos) {
		t.Errorf("paged %v, want %v", seen, photos)
	}
}

func TestSpacesAreKeptApartAndComeBack(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	_, photos := library(t, c, "a.jpg")
	check(t, c.UseSpace(t.Context(), "other"))
	if waiting := must[[]WaitingFile](t)(c.Unencoded(t.Context(), 0, 10)); len(waiting) != 1 {
		t.Errorf("in another space, unencoded: %+v", waiting)
	}
	check(t, c.UseSpace(t.Context(), "test-space"))
	check(t, c.Close())
	if again := open(t, folder); !must[Photo](t)(again.Photo(t.Context(), photos[0])).Encoded {
		t.Error("the vector is gone after a restart")
	}
	if err := c.UseSpace(t.Context(), "../escape"); err == nil {
		t.Error("a space name with a slash was taken")
	}
}

func TestCopiesAreOnePhotoAndAreEncodedOnce(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(5)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10))
	photo, needs, err := c.Identify(t.Context(), waiting[0].ID, stat(5), content(0))
	check(t, err)
	if photo != photos[0] || needs {
		t.Errorf("a copy is photo %d (needs a vector: %v), want %d", photo, needs, photos[0])
	}
	if files := must[Photo](t)(c.Photo(t.Context(), photo)).Files; len(files) != 2 {
		t.Errorf("files %+v", files)
	}
}

func TestFoldersDoNotOverlap(t *testing.T) {
	c := open(t, t.TempDir())
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024"))
	var nested *NestedError
	for _, path := range []string{"/photos", "/photos/2024/may"} {
		if _, err := c.AddFolder(t.Context(), path); !errors.As(err, &nested) {
			t.Errorf("adding %s: %v", path, err)
		}
	}
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024-a"))
	must[Folder](t)(c.AddFolder(t.Context(), "/photos/2024/")) // the same again
	if err := c.RemoveFolder(t.Context(), "/elsewhere"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing an unknown folder: %v", err)
	}
}

func TestRemovedFolderComesBackWithTagsAndVectors(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	check(t, c.RemoveFolder(t.Context(), "/photos"))
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); photo.Visible() {
		t.Errorf("still shown: %+v", photo)
	}
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(0)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), 0, 10))
	if photo, needs, err := c.Identify(t.Context(), waiting[0].ID, stat(0), content(0)); err != nil || photo != photos[0] || needs {
		t.Errorf("photo %d, needs a vector %v, %v", photo, needs, err)
	}
}

func TestNewerCatalogueIsRefused(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	if _, err := c.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	check(t, c.Close())
	if _, err := Open(t.Context(), folder); err == nil {
		t.Errorf("%s of schema 99 was opened", filepath.Base(c.path()))
	}
}
