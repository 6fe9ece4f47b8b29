package search

import (
	"log/slog"
	"math"
	"testing"
	"time"
)

func (w *world) open(folder string, newest int64) (rows int) {
	w.Helper()
	x, err := OpenIndex(w.Context(), folder, w.catalogue, newest, w.catalogue.Serving(), 2, slog.New(slog.DiscardHandler))
	w.check(err)
	defer func() { w.check(x.Close()) }()
	return x.vectors.Len()
}

// fill makes an index, and gives the last change that it followed.
func (w *world) fill(folder string) (seen int64) {
	w.Helper()
	x, err := OpenIndex(w.Context(), folder, w.catalogue, 0, w.catalogue.Serving(), 2, slog.New(slog.DiscardHandler))
	w.check(err)
	x.comeBack()
	w.check(x.catchUp(w.Context()))
	seen = x.vectors.Change()
	w.check(x.Close())
	return seen
}

// An index that was closed for long may hold what is not the catalogue's any
// more, and no change says so.
func TestAnIndexThatDoesNotFitIsMadeAnew(t *testing.T) {
	w := newWorld(t, 0, 40)
	folder := t.TempDir()
	seen := w.fill(folder)
	if rows := w.open(folder, seen); rows != 2 {
		t.Fatalf("%d rows, want 2", rows)
	}
	w.check(w.catalogue.SetSetting(t.Context(), "forgotten", "1"))
	if rows := w.open(folder, seen); rows != 2 {
		t.Errorf("what was forgotten before it followed: %d rows, want 2", rows)
	}
	if rows := w.open(folder, seen-1); rows != 0 {
		t.Errorf("ahead of the catalogue: %d rows are left", rows)
	}
}

func TestAnIndexThatMissedAForgottenPhotoIsMadeAnew(t *testing.T) {
	w := newWorld(t, 0, 40)
	folder := t.TempDir()
	w.fill(folder)
	w.check(w.catalogue.Vanished(t.Context(), w.folder.ID, []string{"a.jpg"}))
	w.check(w.catalogue.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	if rows := w.open(folder, math.MaxInt64); rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
}
