package search

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"vsed/daemon/catalogue"
	"vsed/index/keyword"
)

// followBatch is how many photos go into an index in one step: bleve writes a
// segment a batch.
const followBatch = 500

const (
	// retryPause is the wait after a failure, such as a full disk.
	retryPause = 10 * time.Second
	// restShare times as long as an update took, but at most longestRest, an
	// index rests before the next: bleve's cost is by the batch (4 ms for one
	// photo, 14 for 200), and an ingest makes 60 changes a second. So a change is
	// found at once when little goes on, and within half a second always.
	restShare   = 20
	longestRest = 400 * time.Millisecond
)

// follow calls catchUp after each change, and when something is lost, until the
// context ends. What fails is tried again.
func follow(ctx context.Context, log *slog.Logger, wait func() <-chan struct{}, lost <-chan struct{}, catchUp func(context.Context) error) error {
	for {
		changed := wait()
		begin := time.Now()
		err := catchUp(ctx)
		rest := min(restShare*time.Since(begin), longestRest)
		if err != nil && ctx.Err() == nil {
			log.Error("an index falls behind; trying again", "error", err, "pause", retryPause)
			rest = retryPause
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			continue
		}
		select {
		case <-changed:
		case <-lost:
		case <-ctx.Done():
			return nil
		}
	}
}

// Follow keeps the keyword index and the attributes at the state of the catalogue,
// and the generation that serves calibrated, until the context ends. Each generation's index follows
// by itself.
func (e *Engine) Follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { e.keepCalibrated(ctx) })
	others.Go(func() { e.followAttributes(ctx) })
	defer others.Wait()
	defer stop()
	return e.followWords(ctx)
}

// followAttributes keeps them in a snapshot at the end, so that the next start need
// not read all photos.
func (e *Engine) followAttributes(ctx context.Context) {
	_ = follow(ctx, e.log, e.catalogue.Wait, nil, e.attributes.CatchUp) // returns nil
	if err := e.attributes.Save(); err != nil {
		e.log.Error("the next start will take longer", "error", err)
	}
}

func (e *Engine) followWords(ctx context.Context) error {
	if err := e.comeBack(); err != nil {
		return fmt.Errorf("read the keyword index: %w", err)
	}
	return follow(ctx, e.log, e.catalogue.Wait, nil, func(ctx context.Context) error {
		err := e.catchUp(ctx)
		if err != nil {
			if failed := e.comeBack(); failed != nil {
				e.log.Error("the keyword index does not answer", "error", failed)
			}
		}
		return err
	})
}

// comeBack asks the keyword index what it has: after a failure it may have lost
// what it had acknowledged.
func (e *Engine) comeBack() error {
	seen, err := e.words.Change()
	if err == nil {
		e.reached.Store(&catalogue.Cursor{Change: seen})
	}
	return err
}

func (e *Engine) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		photos, err := e.catalogue.Changed(ctx, *e.reached.Load(), followBatch)
		if err != nil || len(photos) == 0 {
			return err
		}
		if err := e.applyWords(photos); err != nil {
			return fmt.Errorf("write the keyword index: %w", err)
		}
		last := photos[len(photos)-1]
		e.reached.Store(&catalogue.Cursor{Change: last.Change, Photo: last.ID})
	}
	return nil
}

func (e *Engine) applyWords(photos []catalogue.Photo) error {
	var put []keyword.Document
	var remove []int64
	for _, photo := range photos {
		if photo.Visible() {
			put = append(put, e.document(photo))
		} else {
			remove = append(remove, photo.ID)
		}
	}
	return e.words.Apply(put, remove, photos[len(photos)-1].Change)
}

// CaughtUp reports whether everything that the catalogue holds can be found.
func (e *Engine) CaughtUp(ctx context.Context) (bool, error) {
	place, serving := e.reached.Load(), e.hold()
	if serving == nil {
		return false, nil
	}
	defer serving.queries.Done()
	if place == nil {
		return false, nil
	}
	behind, err := e.catalogue.Changed(ctx, *place, 1)
	if err != nil || len(behind) > 0 {
		return false, err
	}
	if caughtUp, err := e.attributes.CaughtUp(ctx); err != nil || !caughtUp {
		return false, err
	}
	return serving.Index.CaughtUp(ctx)
}

// document gives the words by which a photo is found: its tags, title and
// description, and the names of the place, of the camera, of the files and of the
// folders below the watched one.
func (e *Engine) document(photo catalogue.Photo) keyword.Document {
	document := keyword.Document{
		ID: photo.ID, Title: photo.Title, Description: photo.Description, Places: e.placeNames(photo), Cameras: []string{photo.Camera, photo.Lens},
	}
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
