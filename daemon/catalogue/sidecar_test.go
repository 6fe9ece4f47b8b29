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
	unread := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), 0, 10))
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
		if got := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), 0, 10)); len(got) != want {
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
