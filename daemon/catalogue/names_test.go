package catalogue

import (
	"fmt"
	"testing"
)

// renamed is the stat of a file after a rename, which changes one of its times.
func renamed(inode int) Stat {
	s := stat(inode)
	s.ChangedNanos++
	return s
}

// rename has files found under other names, by the number of their photo, and
// read to be recognised.
func rename(t *testing.T, c *Catalogue, folder Folder, names map[string]int) {
	t.Helper()
	var observations []Observation
	for name, photo := range names {
		observations = append(observations, Observation{Path: name, Stat: renamed(photo)})
	}
	check(t, c.Observe(t.Context(), folder.ID, observations))
	for _, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)) {
		if !must[bool](t)(c.Recognise(t.Context(), file.ID, file.Stat, content(byte(names[file.Path])).Digest, c.Serving())) {
			t.Errorf("%s is not recognised", file.Path)
		}
	}
}

func wantTags(t *testing.T, c *Catalogue, photos []int64, want ...string) {
	t.Helper()
	for i, photo := range photos {
		if got := fmt.Sprint(must[Photo](t)(c.Photo(t.Context(), photo)).Tags); got != want[i] {
			t.Errorf("photo %d has %s, want %s", i, got, want[i])
		}
	}
}

// Programs that number files anew give each photo the name of another.
func TestPhotosThatChangeNamesKeepTheirOwnTags(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "1.jpg", "2.jpg", "3.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"cat"}))
	check(t, c.AddTags(t.Context(), photos[1], []string{"dog"}))
	tags := []string{"[{cat user}]", "[{dog user}]", "[]"}
	rename(t, c, folder, map[string]int{"1.jpg": 1, "2.jpg": 0})
	wantTags(t, c, photos, tags...)
	rename(t, c, folder, map[string]int{"4.jpg": 2, "3.jpg": 0, "2.jpg": 1})
	wantTags(t, c, photos, tags...)
}

func TestARenameOverAFileTakesNoTags(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "b.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"cat"}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"b.jpg"}))
	rename(t, c, folder, map[string]int{"a.jpg": 1})
	wantTags(t, c, photos, "[{cat user}]", "[]")
}
