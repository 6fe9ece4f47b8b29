package catalogue

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestWhatIsMissingForLongIsForgotten(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "gone.jpg", "copied.jpg", "stays.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(1)}}))
	check(t, c.AddTags(t.Context(), photos[0], []string{"dog"}))
	check(t, c.Vanished(t.Context(), folder.ID, []string{"gone.jpg", "copied.jpg"}))
	check(t, c.Purge(t.Context(), time.Now().Add(-time.Hour), time.Time{}))
	if photo := must[Photo](t)(c.Photo(t.Context(), photos[0])); len(photo.Tags) != 1 {
		t.Errorf("forgotten too early: %+v", photo)
	}
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	if _, err := c.Photo(t.Context(), photos[0]); !errors.Is(err, ErrNotFound) {
		t.Errorf("still known: %v", err)
	}
	for _, photo := range photos[1:] {
		if photo := must[Photo](t)(c.Photo(t.Context(), photo)); !photo.Visible() || !photo.Encoded {
			t.Errorf("lost: %+v", photo)
		}
	}
}

// edit has a file hold other content, as an editor leaves it.
func edit(t *testing.T, c *Catalogue, folder Folder, name string, s Stat, what Content) (photo int64) {
	t.Helper()
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: name, Stat: s}}))
	waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10))
	if len(waiting) != 1 {
		t.Fatalf("waiting: %+v", waiting)
	}
	return encode(t, c, waiting[0], s, what)
}

func TestWhatAnEditReplacedIsForgotten(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "undone.jpg", "copied.jpg", "copy.jpg")
	for i, name := range []string{"copied.jpg", "undone.jpg", "a.jpg"} {
		edit(t, c, folder, name, stat(10+i), content(byte(10+i)))
	}
	edit(t, c, folder, "undone.jpg", stat(20), content(1))
	edit(t, c, folder, "copy.jpg", stat(21), content(2)) // what was edited in copied.jpg
	check(t, c.Purge(t.Context(), time.Now().Add(-time.Hour), time.Time{}))
	must[Photo](t)(c.Photo(t.Context(), photos[0]))
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	for i, photo := range photos {
		_, err := c.Photo(t.Context(), photo)
		if forgotten := errors.Is(err, ErrNotFound); forgotten != (i == 0 || i == 3) {
			t.Errorf("photo %d: %v", photo, err)
		}
	}
}

func TestWhatAMoveReplacedIsForgotten(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg", "b.jpg")
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}})) // the folder of b.jpg in its place
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	if _, err := c.Photo(t.Context(), photos[0]); !errors.Is(err, ErrNotFound) {
		t.Errorf("still known: %v", err)
	}
	must[Photo](t)(c.Photo(t.Context(), photos[1]))
}

func TestAGroupOutlivesItsFirstPhoto(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	var photos []int64
	for i, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		shot := content(byte(i))
		shot.PerceptualHash = 0x0123456789abcdef
		photos = append(photos, edit(t, c, folder, name, stat(i), shot))
	}
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	var groups []int64
	for _, photo := range photos[1:] {
		groups = append(groups, must[Photo](t)(c.Photo(t.Context(), photo)).Group)
	}
	if want := []int64{photos[1], photos[1]}; !slices.Equal(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
}

func TestOldEventsAreForgotten(t *testing.T) {
	c := open(t, t.TempDir())
	_, err := c.write.Exec(`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
		INSERT INTO event (at, kind) SELECT 0, 'file_found' FROM number`, keptEvents+5)
	check(t, err)
	check(t, c.Purge(t.Context(), time.Time{}, time.Time{}))
	oldest := must[[]Event](t)(c.Events(t.Context(), 0, 1))
	if newest := must[int64](t)(c.Change(t.Context())); len(oldest) != 1 || newest-oldest[0].Change != keptEvents-1 {
		t.Errorf("kept from %+v to %d", oldest, newest)
	}
}

func TestAClockThatStartsIn1970MakesNothingOld(t *testing.T) {
	c := open(t, t.TempDir())
	folder, photos := library(t, c, "a.jpg")
	_, err := c.write.Exec(`UPDATE event SET at = at + 1000`) // so is the clock behind
	check(t, err)
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	check(t, c.Purge(t.Context(), time.Now().Add(900*time.Second), time.Time{}))
	must[Photo](t)(c.Photo(t.Context(), photos[0]))
}

// What the sidecar beside a deleted copy said goes with the copy, also out of the
// indexes.
func TestIndexesAreToldOfWordsThatGoWithACopy(t *testing.T) {
	f := func(said SidecarWords) {
		t.Helper()
		c := open(t, t.TempDir())
		folder, photos := library(t, c, "a.jpg")
		readSidecar(t, c, folder, "a.xmp", stat(50), said)
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "copy.jpg", Stat: stat(0)}}))
		check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
		before := must[int64](t)(c.Change(t.Context()))
		check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
		photo := must[Photo](t)(c.Photo(t.Context(), photos[0]))
		if len(photo.Tags) > 0 || photo.Title != "" || photo.Change <= before {
			t.Errorf("%+v: left %+v, told %t", said, photo, photo.Change > before)
		}
		check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
		if now := must[Photo](t)(c.Photo(t.Context(), photos[0])).Change; now != photo.Change {
			t.Error("they are told again")
		}
	}
	f(SidecarWords{Keywords: []string{"cat"}})
	f(SidecarWords{Title: "title"})
}

// Another decoder may give a photo another hash.
func TestNothingIsLeftOfAForgottenHash(t *testing.T) {
	c := open(t, t.TempDir())
	folder, _ := library(t, c)
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}}))
	file := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0]
	for _, hash := range []uint64{0x8765_4321_1234_5678, 0x1111_2222_3333_4444} {
		hashed := content(1)
		hashed.PerceptualHash = hash
		encode(t, c, file, stat(1), hashed)
	}
	parts := func(want int) {
		t.Helper()
		var count int
		if err := c.read.QueryRow(`SELECT count(*) FROM hash_part`).Scan(&count); err != nil || count != want {
			t.Errorf("%d parts, %v; want %d", count, err, want)
		}
	}
	parts(4)
	check(t, c.Vanished(t.Context(), folder.ID, []string{"a.jpg"}))
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	parts(0)
}
