package catalogue

import (
	"fmt"
	"testing"
	"time"
)

// readSidecar takes a sidecar as far as its words.
func readSidecar(t *testing.T, c *Catalogue, folder Folder, path string, s Stat, words SidecarWords) {
	t.Helper()
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: path, Stat: s, Sidecar: true}}))
	check(t, c.SidecarRead(t.Context(), unreadSidecar(t, c), words))
}

// unreadSidecar gives the one that is to be read.
func unreadSidecar(t *testing.T, c *Catalogue) Sidecar {
	t.Helper()
	unread := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10))
	if len(unread) != 1 {
		t.Fatalf("unread: %+v", unread)
	}
	return unread[0]
}

// words gives what the indexes and the API have of a photo.
func words(t *testing.T, c *Catalogue, photo int64) string {
	t.Helper()
	p := must[Photo](t)(c.Photo(t.Context(), photo))
	return fmt.Sprintf("%s/%s/%d", p.Title, p.Description, p.Rating)
}

// touched reports whether the indexes are told of the photo since a change.
func touched(t *testing.T, c *Catalogue, photo, since int64) bool {
	t.Helper()
	return must[Photo](t)(c.Photo(t.Context(), photo)).Change > since
}

func TestSidecarsWordsWinWhereTheySayAnything(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}}))
	own := content(1)
	own.Title, own.Description, own.Rating = "T", "D", 3
	photo := encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0], stat(1), own)
	expect := func(when, want string) {
		t.Helper()
		if got := words(t, c, photo); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect("without a sidecar", "T/D/3")
	before := must[int64](t)(c.Change(t.Context()))
	readSidecar(t, c, folder, "a.xmp", stat(50), SidecarWords{Title: "raw title", Description: "raw", Rating: -1, Rated: true})
	expect("with a.xmp", "raw title/raw/-1")
	if !touched(t, c, photo, before) {
		t.Error("no index is told of the sidecar's words")
	}
	readSidecar(t, c, folder, "a.jpg.xmp", stat(51), SidecarWords{Title: "title", Rated: true})
	expect("a.jpg.xmp is nearer and takes the stars away", "title/raw/0")
	newer := stat(50)
	newer.ModifiedNanos++
	readSidecar(t, c, folder, "a.xmp", newer, SidecarWords{})
	expect("a.xmp says nothing any more", "title/D/0")

	before = must[int64](t)(c.Change(t.Context()))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg.xmp"}))
	expect("a.jpg.xmp is deleted", "T/D/3")
	if !touched(t, c, photo, before) {
		t.Error("no index is told that the sidecar is gone")
	}
}

func TestOfTwoCopiesTheSidecarThatWasWrittenLastWins(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b.jpg", Stat: stat(9)}}))
	copied := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0]
	if !must[bool](t)(c.Recognise(t.Context(), copied.ID, stat(9), content(0).Digest, c.Serving())) {
		t.Fatal("not recognised")
	}
	last := stat(50)
	last.ModifiedNanos = 5
	readSidecar(t, c, folder, "b.jpg.xmp", last, SidecarWords{Title: "last"})
	readSidecar(t, c, folder, "a.jpg.xmp", stat(51), SidecarWords{Title: "first", Description: "alone"})
	if got := words(t, c, photos[0]); got != "last/alone/0" {
		t.Errorf("got %s", got)
	}
	check(t, c.Vanished(t.Context(), folder.ID, []string{"b.jpg"})) // what is there comes before
	if got := words(t, c, photos[0]); got != "first/alone/0" {
		t.Errorf("with the copy gone: %s", got)
	}
}

// A folder that moves with its sidecars is seen in any order.
func TestAMovedPhotoGetsTheWordsOfASidecarThatWasReadBefore(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "old/a.jpg")
	readSidecar(t, c, folder, "new/a.jpg.xmp", stat(50), SidecarWords{Title: "title"})
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "new/a.jpg", Stat: stat(0)}}))
	check(t, c.SidecarRead(t.Context(), unreadSidecar(t, c), SidecarWords{Title: "title"}))
	if got := words(t, c, photos[0]); got != "title//0" {
		t.Errorf("got %s", got)
	}
}

func TestASidecarThatCannotBeReadIsToldAndTriedWhenItIsTime(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	readSidecar(t, c, folder, "a.xmp", stat(50), SidecarWords{Title: "title"})
	observe := func(s Stat) {
		t.Helper()
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.xmp", Stat: s, Sidecar: true}}))
	}
	problems := func(when string, want ...string) {
		t.Helper()
		count, found, err := c.SidecarProblems(t.Context(), 10)
		check(t, err)
		var got []string
		for _, one := range found {
			got = append(got, fmt.Sprintf("%s %s %t", one.Path, one.Problem, one.NextAttempt.IsZero()))
		}
		if count != int64(len(want)) || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %d problems, %v", when, count, got)
		}
	}
	unread := func(when string, want int) {
		t.Helper()
		check(t, c.RetrySidecars(t.Context(), time.Now()))
		if got := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10)); len(got) != want {
			t.Errorf("%s: unread %+v", when, got)
		}
	}
	damaged := stat(50)
	damaged.ModifiedNanos++
	observe(damaged)
	check(t, c.SidecarFailed(t.Context(), unreadSidecar(t, c), "is not XMP", 0))
	problems("damaged", "/photos/a.xmp is not XMP true")
	unread("damaged", 0)
	if got := words(t, c, photos[0]); got != "title//0" {
		t.Errorf("what it said before: %s", got)
	}
	remounted := damaged
	remounted.Device = 1
	observe(remounted)
	problems("on a disk with another number", "/photos/a.xmp is not XMP true")
	unread("on a disk with another number", 0)

	changed := remounted
	changed.ModifiedNanos++
	observe(changed)
	problems("changed")
	check(t, c.SidecarFailed(t.Context(), unreadSidecar(t, c), "permission denied", time.Hour))
	problems("forbidden", "/photos/a.xmp permission denied false")
	unread("forbidden", 0)
	check(t, c.RetrySidecars(t.Context(), time.Now().Add(2*time.Hour)))
	check(t, c.SidecarRead(t.Context(), unreadSidecar(t, c), SidecarWords{}))
	problems("read")
}

// A library that is taken in costs one reading of each sidecar, whether that comes
// before its photo or after it, and an edit of the photo none.
func TestASidecarIsReadOnce(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c)
	photos := []Observation{{Path: "a.jpg", Stat: stat(1)}, {Path: "a.cr2", Stat: stat(2)}}
	check(t, c.Observe(t.Context(), folder.ID, photos))
	readSidecar(t, c, folder, "a.xmp", stat(50), SidecarWords{Title: "title"})
	for _, event := range must[[]Event](t)(c.Events(t.Context(), 0, 100)) {
		if event.Kind == PhotoTagged {
			t.Errorf("nobody knows a photo yet: %+v", event)
		}
	}
	take := func(count int) {
		t.Helper()
		waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
		if len(waiting) != count {
			t.Errorf("waiting %+v", waiting)
		}
		for _, file := range waiting {
			id := encode(t, c, file, file.Stat, content(byte(file.Stat.ModifiedNanos)+byte(file.Stat.Inode)))
			if got := words(t, c, id); got != "title//0" {
				t.Errorf("%s: %s", file.Path, got)
			}
		}
		if again := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10)); len(again) > 0 {
			t.Errorf("to be read again: %+v", again)
		}
	}
	take(2)
	photos[0].Stat.ModifiedNanos += 10
	check(t, c.Observe(t.Context(), folder.ID, photos))
	take(1)

	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.png", Stat: stat(3), Rule: "mine"}}))
	if again := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10)); len(again) > 0 {
		check(t, c.SidecarRead(t.Context(), again[0], SidecarWords{Title: "title"}))
	}
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.png", Stat: stat(3)}}))
	check(t, c.SidecarRead(t.Context(), unreadSidecar(t, c), SidecarWords{Title: "title"}))
	take(1)
}

// Whoever writes meanwhile waits for one part of them only.
func TestManySidecarsThatAreGoneAreForgottenInParts(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c, "a.jpg")
	for i := range statementIDs + 1 {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: fmt.Sprintf("%d.xmp", i), Stat: stat(i + 10), Sidecar: true}}))
	}
	before := c.written.Load()
	scanned(t, c, folder, Observation{Path: "a.jpg", Stat: stat(0)})
	if left := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 1)); len(left) > 0 || c.written.Load()-before != 3 {
		t.Errorf("left %v, after %d transactions", left, c.written.Load()-before)
	}
}

// What waits in a folder that is away holds nothing up.
func TestWhatWaitsIsGivenFolderByFolder(t *testing.T) {
	c := open(t, t.TempDir())
	var folders []Folder
	for i, path := range []string{"/a", "/b", "/c"} {
		folders = append(folders, must[Folder](t)(c.AddFolder(t.Context(), path)))
		for j := range 3 {
			check(t, c.Observe(t.Context(), folders[i].ID, []Observation{
				{Path: fmt.Sprintf("%d.jpg", j), Stat: stat(10*i + j)}, {Path: fmt.Sprintf("%d.xmp", j), Stat: stat(100 + 10*i + j), Sidecar: true}}))
		}
	}
	expect := func(want ...string) {
		t.Helper()
		var files, sidecars []string
		for page := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 2)); len(page) > 0; page = must[[]WaitingFile](t)(c.Undecoded(t.Context(), &page[len(page)-1], 2)) {
			for _, one := range page {
				files = append(files, one.Folder+"/"+one.Path[:1])
			}
		}
		for page := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 2)); len(page) > 0; page = must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), &page[len(page)-1], 2)) {
			for _, one := range page {
				sidecars = append(sidecars, one.Folder+"/"+one.Path[:1])
			}
		}
		if fmt.Sprint(files) != fmt.Sprint(want) || fmt.Sprint(sidecars) != fmt.Sprint(want) {
			t.Errorf("files %v, sidecars %v, want %v", files, sidecars, want)
		}
	}
	expect("/a/0", "/a/1", "/a/2", "/b/0", "/b/1", "/b/2", "/c/0", "/c/1", "/c/2")
	check(t, c.SetFolderState(t.Context(), folders[1].ID, true, "away"))
	expect("/a/0", "/a/1", "/a/2", "/c/0", "/c/1", "/c/2")
}
