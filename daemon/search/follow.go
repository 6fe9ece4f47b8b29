package search

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"vsed/daemon/catalogue"
	"vsed/index/keyword"
)

// followBatch is how many photos go into the indexes in one step: bleve writes
// a segment a batch.
const followBatch = 500

const (
	// retryPause is the wait after a failure, such as a full disk.
	retryPause = 10 * time.Second
	// restShare times as long as an update took, but at most longestRest, the
	// indexes rest before the next: bleve's cost is by the batch (4 ms for one
	// photo, 14 for 200), and an ingest makes 60 changes a second. So a change is
	// found at once when little goes on, and within half a second always.
	restShare   = 20
	longestRest = 400 * time.Millisecond
)

// Follow brings both indexes to the state of the catalogue and keeps them
// there until the context ends. The vector index is filled from the start, the
// keyword index from the change that it saw last. What fails is tried again.
func (e *Engine) Follow(ctx context.Context) error {
	seen, err := e.words.Change()
	if err != nil {
		return fmt.Errorf("read the keyword index: %w", err)
	}
	var place catalogue.Cursor
	var filled *generation
	for {
		changed := e.catalogue.Wait()
		current := e.generation.Load()
		if current != filled || e.reached.Load() == nil {
			place, filled = catalogue.Cursor{}, current
			e.reach(filled, place)
		}
		begin := time.Now()
		place, err = e.catchUp(ctx, current, place, &seen)
		rest := min(restShare*time.Since(begin), longestRest)
		if err != nil && ctx.Err() == nil {
			e.log.Error("the indexes fall behind; trying again", "error", err, "pause", retryPause)
			rest = retryPause
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			place, seen = e.comeBack(place, seen)
			continue
		}
		select {
		case <-changed:
		case <-e.renewed:
		case <-ctx.Done():
			return nil
		}
	}
}

// comeBack asks the keyword index what it has after a failure: it may have lost
// what it had acknowledged. Then the place goes back too.
func (e *Engine) comeBack(place catalogue.Cursor, seen int64) (catalogue.Cursor, int64) {
	has, err := e.words.Change()
	if err != nil {
		e.log.Error("the keyword index does not answer", "error", err)
		return place, seen
	}
	if has < seen {
		place = catalogue.Cursor{Change: min(place.Change, has)}
	}
	return place, has
}

// A reached is how far Follow has come with one generation.
type reached struct {
	generation *generation
	place      catalogue.Cursor
}

func (e *Engine) reach(with *generation, place catalogue.Cursor) {
	e.reached.Store(&reached{with, place})
}

// CaughtUp reports whether everything that the catalogue holds can be found.
func (e *Engine) CaughtUp(ctx context.Context) (bool, error) {
	now := e.reached.Load()
	if now == nil || now.generation != e.generation.Load() {
		return false, nil
	}
	behind, err := e.catalogue.Changed(ctx, now.place, 1)
	return len(behind) == 0, err
}

// catchUp applies every change after the place. seen is the last change of
// the keyword index, which may be ahead of the vector index.
func (e *Engine) catchUp(ctx context.Context, into *generation, place catalogue.Cursor, seen *int64) (catalogue.Cursor, error) {
	for ctx.Err() == nil && e.generation.Load() == into {
		photos, err := e.catalogue.Changed(ctx, place, followBatch)
		if err != nil || len(photos) == 0 {
			return place, err
		}
		e.applyVectors(into, photos)
		if err := e.applyWords(photos, seen); err != nil {
			return place, err
		}
		last := photos[len(photos)-1]
		place = catalogue.Cursor{Change: last.Change, Photo: last.ID}
		e.reach(into, place)
	}
	return place, nil
}

// applyVectors leaves out a vector that the index refuses: one damaged row
// must not hide the others.
func (e *Engine) applyVectors(into *generation, photos []catalogue.Photo) {
	if into == nil {
		return
	}
	for _, photo := range photos {
		if !photo.Visible() || photo.Vector == nil {
			into.vectors.Delete(photo.ID)
			continue
		}
		if err := into.vectors.Put(photo.ID, photo.Vector); err != nil {
			e.log.Error("a stored vector is damaged; the photo is found by words only", "photo", photo.ID, "error", err)
		}
	}
}

func (e *Engine) applyWords(photos []catalogue.Photo, seen *int64) error {
	var put []keyword.Document
	var remove []int64
	for _, photo := range photos {
		switch {
		case photo.Change < *seen: // several photos can share the last change
		case photo.Visible():
			put = append(put, e.document(photo))
		default:
			remove = append(remove, photo.ID)
		}
	}
	if len(put)+len(remove) == 0 {
		return nil
	}
	newest := photos[len(photos)-1].Change
	if err := e.words.Apply(put, remove, newest); err != nil {
		return fmt.Errorf("write the keyword index: %w", err)
	}
	*seen = newest
	return nil
}

// document gives the words by which a photo is found: its tags, and the names
// of the place, of the files and of the folders below the watched one.
func (e *Engine) document(photo catalogue.Photo) keyword.Document {
	document := keyword.Document{ID: photo.ID, Places: e.placeNames(photo)}
	for _, tag := range photo.Tags {
		document.Tags = append(document.Tags, tag.Name)
	}
	for _, file := range photo.Files {
		if file.Missing {
			continue
		}
		document.Names = append(document.Names, filepath.Base(file.Path))
		if below, err := filepath.Rel(file.Folder, filepath.Dir(file.Path)); err == nil && below != "." {
			document.Folders = append(document.Folders, below)
		}
	}
	return document
}

func (e *Engine) placeNames(photo catalogue.Photo) []string {
	if !photo.Located {
		return nil
	}
	place, ok := e.places.Near(photo.Latitude, photo.Longitude)
	if !ok {
		return nil
	}
	return []string{place.Name, place.City, place.Region, place.Country}
}
