package catalogue

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestAnEditInPlaceKeepsTheUsersTags(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "b.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	edited := stat(0)
	edited.ModifiedNanos++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: edited}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	photo := encode(t, c, waiting[0], edited, content(9))
	if tags := must[Photo](t)(c.Photo(t.Context(), photo)).Tags; len(tags) != 1 || tags[0] != (Tag{"dog", "user"}) {
		t.Errorf("after an edit: tags %v", tags)
	}
	// Content that a known photo took is that photo, with its own tags.
	edited.ModifiedNanos++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: edited}}))
	waiting = must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	if photo := encode(t, c, waiting[0], edited, content(1)); photo != photos[1] || len(must[Photo](t)(c.Photo(t.Context(), photo)).Tags) != 0 {
		t.Errorf("a copy over the file: photo %d, want %d without tags", photo, photos[1])
	}
}

func TestTheUsersWordWinsOverTheFiles(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	read := func(s Stat) int64 {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: s}}))
		tagged := content(1)
		tagged.Keywords = []string{"beach", "dog"}
		return encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], s, tagged)
	}
	tags := func(photo int64) string { return fmt.Sprint(must[Photo](t)(c.Photo(t.Context(), photo)).Tags) }
	photo := read(stat(1))
	if got := tags(photo); got != "[{beach file} {dog file}]" {
		t.Errorf("tags %s", got)
	}
	check(t, c.RemoveTags(t.Context(), photo, []string{"dog"}))
	again := stat(1)
	again.ChangedNanos++
	if read(again) != photo || tags(photo) != "[{beach file}]" {
		t.Errorf("after reading again: tags %s", tags(photo))
	}
	check(t, c.AddTags(t.Context(), photo, []string{"dog"}))
	if got := tags(photo); got != "[{beach file} {dog file} {dog user}]" {
		t.Errorf("after adding: tags %s", got)
	}
}

// TestATagIsOneInAnySpelling: case and Unicode's normal form make no second tag, and
// what was said in one is taken back in another.
func TestATagIsOneInAnySpelling(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}}))
	told := content(1)
	told.Keywords = []string{"Cafe\u0301", "Caf\u00e9", "Strand"}
	photo := encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(1), told)
	f := func(want string) {
		t.Helper()
		if got := fmt.Sprint(must[Photo](t)(c.Photo(t.Context(), photo)).Tags); got != want {
			t.Errorf("tags %s, want %s", got, want)
		}
	}
	f("[{Caf\u00e9 file} {Strand file}]")
	check(t, c.AddTags(t.Context(), photo, []string{"strand", "Opa", "OPA", "Cafe\u0301"}))
	f("[{Caf\u00e9 file} {Caf\u00e9 user} {Opa user} {Strand file} {Strand user}]")
	check(t, c.RemoveTags(t.Context(), photo, []string{"STRAND", "cafe\u0301", "opa"}))
	f("[]")
	check(t, c.AddTags(t.Context(), photo, []string{"strand"}))
	f("[{Strand file} {Strand user}]")
	check(t, c.RefuseTags(t.Context(), photo, []string{"Sea"}))
	check(t, c.AddTags(t.Context(), photo, []string{"sea"}))
	f("[{Strand file} {Strand user} {sea user}]")
	if refused := must[[]string](t)(c.Refused(t.Context(), photo)); len(refused) > 0 {
		t.Errorf("refused still: %q", refused)
	}
}

// TestATagTakenOffStaysOffInAnySpelling has a sidecar and a file give it anew; one was taken
// off before tags were composed.
func TestATagTakenOffStaysOffInAnySpelling(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}}))
	told := content(1)
	told.Keywords = []string{"Opa"}
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0]
	photo := encode(t, c, waiting, stat(1), told)
	sidecar := func(path string, modified int, keywords ...string) {
		t.Helper()
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: path, Stat: stat(modified), Sidecar: true}}))
		check(t, c.SidecarRead(t.Context(), must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 1))[0], SidecarWords{Keywords: keywords}))
	}
	f := func(modified int, want string, keywords ...string) {
		t.Helper()
		sidecar("a.xmp", modified, keywords...)
		if got := fmt.Sprint(must[Photo](t)(c.Photo(t.Context(), photo)).Tags); got != want {
			t.Errorf("tags %s, want %s", got, want)
		}
	}
	f(50, "[{Opa file} {Strand sidecar}]", "Strand")
	check(t, c.RemoveTags(t.Context(), photo, []string{"strand"}))
	f(51, "[{Opa file} {sea sidecar}]", "STRAND", "sea")
	_, err := c.write.Exec(`INSERT INTO tag_removed (photo, name) VALUES (?1, 'café')`, photo)
	check(t, err)
	f(52, "[{Opa file}]", "Caf\u00e9", "strand")
	check(t, c.RemoveTags(t.Context(), photo, []string{"Opa"}))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b.jpg", Stat: stat(2)}}))
	told.Keywords = []string{"opa"}
	encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(2), told)
	f(53, "[]")
	// A sidecar that was read before its photo: nobody knew whose words these are.
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "c.jpg", Stat: stat(3)}}))
	sidecar("c.xmp", 60, "STRAND", "Caf\u00c9", "dog")
	encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))[0], stat(3), told)
	f(55, "[{dog sidecar}]")
	check(t, c.Serving().Tagged(t.Context(), func(p TaggedPhoto) error {
		if got := fmt.Sprint(p.Tags, p.Refused); got != "[dog] [Caf\u00c9 STRAND opa]" {
			t.Errorf("learned from %s", got)
		}
		return nil
	}))
	sidecar("c.xmp", 61)
	check(t, c.AddTags(t.Context(), photo, []string{"Strand"}))
	f(56, "[{Strand user} {strand sidecar}]", "strand")
}

func TestSidecarsTagTheirPhotos(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "a.png", "ab.jpg", "dir/a.jpg")
	tagged := func(sidecar string, s Stat, want ...int) {
		t.Helper()
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: sidecar, Stat: s, Sidecar: true}}))
		unread := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10))
		if len(unread) != 1 {
			t.Fatalf("%s: unread %+v", sidecar, unread)
		}
		check(t, c.SidecarRead(t.Context(), unread[0], SidecarWords{Keywords: []string{sidecar}}))
		var got []int
		for i, photo := range photos {
			for _, tag := range must[Photo](t)(c.Photo(t.Context(), photo)).Tags {
				if tag == (Tag{sidecar, "sidecar"}) {
					got = append(got, i)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: tagged %v, want %v", sidecar, got, want)
		}
	}
	tagged("a.jpg.xmp", stat(50), 0)
	tagged("a.xmp", stat(51), 0, 1)
	tagged("dir/a.XMP", stat(52), 3)
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.xmp", Stat: stat(51), Sidecar: true}}))
	if unread := must[[]Sidecar](t)(c.UnreadSidecars(t.Context(), nil, 10)); len(unread) != 0 {
		t.Errorf("an unchanged sidecar is read again: %+v", unread)
	}
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.xmp"}))
	if tags := must[Photo](t)(c.Photo(t.Context(), photos[1])).Tags; len(tags) != 0 {
		t.Errorf("tags of a deleted sidecar: %v", tags)
	}
}

func TestKeywordsAndTagsOutliveTheirFolderAndAMove(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a/x.jpg", Stat: stat(1)}}))
	tagged := content(1)
	tagged.Keywords = []string{"beach"}
	photo := encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0], stat(1), tagged)
	tags := func(when string) {
		t.Helper()
		if got := fmt.Sprint(must[Photo](t)(c.Photo(t.Context(), photo)).Tags); got != "[{beach file}]" {
			t.Errorf("%s: tags %s", when, got)
		}
	}
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b/x.jpg", Stat: stat(1)}}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a"}))
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	tags("after a move and a purge")
	check(t, c.RemoveFolder(t.Context(), "/photos"))
	folder = must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b/x.jpg", Stat: stat(1)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))
	if !must[bool](t)(c.Recognise(t.Context(), waiting[0].ID, stat(1), tagged.Digest, c.Serving())) {
		t.Error("not recognised")
	}
	tags("after the folder came back")
}

func TestACopyOverAFileHasOnlyItsOwnWords(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "snow.jpg")
	check(t, c.AddTags(t.Context(), photos[0], []string{"mine"}))
	over := stat(0)
	over.ModifiedNanos++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: over}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))
	if !must[bool](t)(c.Recognise(t.Context(), waiting[0].ID, over, content(1).Digest, c.Serving())) {
		t.Error("not recognised")
	}
	if tags := must[Photo](t)(c.Photo(t.Context(), photos[1])).Tags; len(tags) != 0 {
		t.Errorf("tags %v", tags)
	}
}

// Whoever exports tags knows photos by their paths, also after a folder was
// removed.
func TestTaggedPhotosOfARemovedFolderKeepTheirLastPath(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a/\xff.jpg", "untagged.jpg", "gone.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "b.jpg", Stat: stat(0)}, {Path: "c.jpg", Stat: stat(0)}}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a", "gone.jpg"}))
	for _, photo := range []int64{photos[0], photos[2]} {
		check(t, c.AddTags(t.Context(), photo, []string{"kept"}))
	}
	expect := func(when string, want ...string) {
		t.Helper()
		for i, photo := range photos {
			if got := must[Photo](t)(c.Photo(t.Context(), photo)); got.LastPath != want[i] {
				t.Errorf("%s: photo %d was last at %q, want %q", when, i, got.LastPath, want[i])
			}
		}
	}
	expect("while it is watched", "", "", "")
	check(t, c.RemoveFolder(t.Context(), "/photos"))
	expect("removed", "/photos/b.jpg", "", "/photos/gone.jpg")

	folder = must[Folder](t)(c.AddFolder(t.Context(), "/"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "\xff.jpg", Stat: stat(9)}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0]
	if !must[bool](t)(c.Recognise(t.Context(), waiting.ID, stat(9), content(0).Digest, c.Serving())) {
		t.Fatal("not recognised")
	}
	expect("one is found again", "", "", "/photos/gone.jpg")
	check(t, c.RemoveFolder(t.Context(), "/"))
	expect("and removed again", "/\xff.jpg", "", "/photos/gone.jpg")
}
