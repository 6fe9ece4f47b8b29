package catalogue

import (
	"errors"
	"os"
	"slices"
	"testing"
)

// Before schema 3 the catalogue did not know which photos have a vector.
func TestVectorsOfAnOldSchemaAreKnown(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	_, photos := library(t, c, "a.jpg", "b.jpg")
	_, err := c.write.Exec(`DELETE FROM space`) // takes what is encoded along
	check(t, err)
	check(t, c.Close())
	c = open(t, folder)
	for _, photo := range photos {
		if !must[Photo](t)(c.Photo(t.Context(), photo)).Encoded {
			t.Errorf("photo %d has lost its vector", photo)
		}
	}
}

func TestALostSpaceIsEncodedAgain(t *testing.T) {
	folder := t.TempDir()
	c := open(t, folder)
	library(t, c, "a.jpg", "b.jpg")
	path := c.spacePath("test-space")
	check(t, c.Close())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	c = open(t, folder)
	if waiting := must[[]WaitingFile](t)(c.Serving().Unencoded(t.Context(), nil, 10)); len(waiting) != 2 {
		t.Errorf("waiting: %+v", waiting)
	}
}

// A kill between the two commits of Store.
func TestAnUnannouncedVectorIsFoundAgain(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a.jpg")
	_, err := c.write.Exec(`DELETE FROM encoded`)
	check(t, err)
	waiting := must[[]WaitingFile](t)(c.Serving().Unencoded(t.Context(), nil, 10))
	if len(waiting) != 1 {
		t.Fatalf("waiting: %+v", waiting)
	}
	if !must[bool](t)(c.Recognise(t.Context(), waiting[0].ID, waiting[0].Stat, content(0).Digest, c.Serving())) {
		t.Error("the photo is to be encoded again")
	}
	if !must[Photo](t)(c.Photo(t.Context(), photos[0])).Encoded {
		t.Error("the vector is not announced")
	}
}

func TestThoseTakenLastAreEncodedFirst(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a", "b", "c", "d", "e")
	for i, taken := range []string{"2020-01-01T00:00:00", "", "2024-05-05T00:00:00", "2020-01-01T00:00:00", "2026-01-01T00:00:00"} {
		_, err := c.write.Exec(`UPDATE photo SET taken = ? WHERE id = ?`, taken, photos[i])
		check(t, err)
	}
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	var order []int64
	var after *WaitingFile
	for {
		page := must[[]WaitingFile](t)(other.Unencoded(t.Context(), after, 2))
		if len(page) == 0 {
			break
		}
		for _, file := range page {
			order = append(order, file.Photo)
		}
		after = &page[len(page)-1]
	}
	if want := []int64{photos[4], photos[2], photos[3], photos[0], photos[1]}; !slices.Equal(order, want) {
		t.Errorf("in the order %v, want %v", order, want)
	}
}

func TestTwoSpacesFillSideBySide(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a", "b")
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	check(t, other.Store(t.Context(), map[int64]Embedding{photos[1]: {Vector: []float32{0, 0, 1}}}))
	if got := must[map[int64]Coverage](t)(other.Coverage(t.Context()))[folder.ID]; got != (Coverage{Encoded: 1, Waiting: 1}) {
		t.Errorf("coverage %+v", got)
	}
	if changes := must[[]Change](t)(other.Changed(t.Context(), Cursor{}, 10)); len(changes) != 2 || changes[0].Vector != nil || len(changes[1].Vector) != 3 {
		t.Errorf("changes %+v", changes)
	}
	check(t, c.SetFolderState(t.Context(), folder.ID, true, ""))
	if got := must[map[int64]Coverage](t)(other.Coverage(t.Context()))[folder.ID]; got != (Coverage{Encoded: 1, Offline: 1}) {
		t.Errorf("coverage %+v while offline", got)
	}
}

func TestARemovedSpaceLeavesNothing(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a")
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	check(t, other.Store(t.Context(), map[int64]Embedding{photos[0]: {Vector: []float32{0, 1}}}))
	if err := c.RemoveSpace(t.Context(), "test-space"); err == nil {
		t.Error("the space that serves was removed")
	}
	check(t, c.RemoveSpace(t.Context(), "other"))
	if names := must[[]string](t)(c.Spaces(t.Context())); !slices.Equal(names, []string{"test-space"}) {
		t.Errorf("spaces %v", names)
	}
	entries := must[[]os.DirEntry](t)(os.ReadDir(c.folder + "/spaces"))
	for _, entry := range entries {
		if entry.Name()[:5] == "other" {
			t.Errorf("%s is left", entry.Name())
		}
	}
	again := must[*Space](t)(c.Space(t.Context(), "other"))
	if waiting := must[[]WaitingFile](t)(again.Unencoded(t.Context(), nil, 10)); len(waiting) != 1 {
		t.Errorf("after the removal, waiting: %+v", waiting)
	}
}

func TestCheckTellsWhatASpaceLacks(t *testing.T) {
	c := open(t, t.TempDir())
	library(t, c, "a", "b", "c")
	s := c.Serving()
	for _, statement := range []string{
		`DELETE FROM embedding WHERE photo = 1`,
		`UPDATE embedding SET vector = x'00' WHERE photo = 2`,
		`INSERT INTO embedding VALUES (99, x'99', x'00000000', '', '')`,
	} {
		_, err := s.write.Exec(statement)
		check(t, err)
	}
	if findings := must[[]Finding](t)(c.Check(t.Context(), true)); len(findings) != 3 {
		t.Errorf("findings %+v", findings)
	}
	if findings := must[[]Finding](t)(c.Check(t.Context(), false)); len(findings) != 0 {
		t.Errorf("after the repair: %+v", findings)
	}
	if waiting := must[[]WaitingFile](t)(s.Unencoded(t.Context(), nil, 10)); len(waiting) != 2 {
		t.Errorf("waiting: %+v", waiting)
	}
}

// What only the other encoder cannot take stays findable until that one serves.
func TestAPhotoThatAnotherSpaceRefuses(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a")
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	check(t, other.Refuse(t.Context(), photos[0], "it crashes"))
	if waiting := must[[]WaitingFile](t)(other.Unencoded(t.Context(), nil, 10)); len(waiting) != 0 {
		t.Errorf("waiting: %+v", waiting)
	}
	if got := must[map[int64]Coverage](t)(other.Coverage(t.Context()))[folder.ID]; got != (Coverage{SetAside: 1}) {
		t.Errorf("coverage %+v", got)
	}
	if !must[Photo](t)(c.Photo(t.Context(), photos[0])).Visible() {
		t.Error("the photo is hidden already")
	}
	check(t, c.Serve(t.Context(), other))
	if set := must[[]QuarantinedFile](t)(c.Quarantined(t.Context(), 0, 10)); len(set) != 1 || set[0].Reason != "it crashes" {
		t.Errorf("in quarantine: %+v", set)
	}
}

// A power cut may take commits of the space's file and leave what the catalogue
// has of them, and a kill may come before the two were compared.
func TestVectorsThatWereLostAreMadeAgain(t *testing.T) {
	for name, lose := range map[string]string{
		"the last batch":         `DELETE FROM embedding WHERE photo = 2; PRAGMA user_version = 1`,
		"all, then a kill":       `DELETE FROM embedding; PRAGMA user_version = 0`,
		"a batch of an old file": `DELETE FROM embedding WHERE photo = 1; PRAGMA user_version = 0`,
	} {
		folder := t.TempDir()
		c := open(t, folder)
		_, photos := library(t, c, "a.jpg", "b.jpg")
		_, err := c.Serving().write.Exec(lose)
		check(t, err)
		check(t, c.Close())
		c = open(t, folder)
		var held int
		check(t, c.Serving().read.QueryRow(`SELECT count(*) FROM embedding`).Scan(&held))
		if waiting := must[[]WaitingFile](t)(c.Serving().Unencoded(t.Context(), nil, 10)); len(waiting) != len(photos)-held {
			t.Errorf("%s: %d wait where %d of %d have vectors", name, len(waiting), held, len(photos))
		}
	}
}

func TestAKillInARemovalLeavesNoFileThatNobodyKnows(t *testing.T) {
	c := open(t, t.TempDir())
	_, photos := library(t, c, "a")
	other := must[*Space](t)(c.Space(t.Context(), "other"))
	check(t, other.Store(t.Context(), map[int64]Embedding{photos[0]: {Vector: []float32{0, 1}}}))
	check(t, c.removeFile(other)) // and no further
	if names := must[[]string](t)(c.Spaces(t.Context())); len(names) != 2 {
		t.Errorf("spaces %v", names)
	}
	other = must[*Space](t)(c.Space(t.Context(), "other"))
	if waiting := must[[]WaitingFile](t)(other.Unencoded(t.Context(), nil, 10)); len(waiting) != 1 {
		t.Errorf("waiting: %+v", waiting)
	}
	check(t, c.RemoveSpace(t.Context(), "other"))
}

// What the encoder of one space refuses, that of another may take.
func TestAnotherSpaceIsAskedForWhatWasRefused(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	for i, name := range []string{"refused.jpg", "broken.jpg"} {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: name, Stat: stat(10 + i)}}))
	}
	for _, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)) {
		if file.Path == "refused.jpg" {
			photo, _, err := c.Identify(t.Context(), file.ID, file.Stat, content(10), c.Serving())
			check(t, err)
			photos = append(photos, photo)
		}
		check(t, c.Quarantine(t.Context(), file, "no", 0))
	}
	serve(t, c, "test-space") // again
	if aside := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID].Quarantined; aside != 2 {
		t.Errorf("%d are set aside, want 2", aside)
	}
	before := must[int64](t)(c.Change(t.Context()))
	other := serve(t, c, "other")
	if waiting := must[[]WaitingFile](t)(other.Unencoded(t.Context(), nil, 10)); len(waiting) != len(photos) {
		t.Errorf("waiting: %+v", waiting)
	}
	if aside := must[map[int64]Counts](t)(c.Count(t.Context()))[folder.ID].Quarantined; aside != 1 {
		t.Errorf("%d are set aside, want broken.jpg", aside)
	}
	if changed := must[[]Photo](t)(c.Changed(t.Context(), Cursor{Change: before}, 10)); len(changed) != 1 || !changed[0].Visible() {
		t.Errorf("the indexes are told of %+v", changed)
	}
}
