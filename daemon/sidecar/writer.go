package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// setting keeps the last change whose tags are in the sidecars.
const setting = "sidecars-written"

const (
	page           = 500
	pauseCatalogue = 5 * time.Second
	// saveAfter is how many changes that concern no sidecar go by unsaved.
	saveAfter = 1000
)

// Roots are the ways into the folders.
type Roots interface {
	Root(folder int64, path string) *watch.Root
}

// A Writer keeps the sidecars of photos true to what the user said of their
// tags. It has one Run.
type Writer struct {
	catalogue *catalogue.Catalogue
	roots     Roots
	log       *slog.Logger

	loaded       bool
	saved, after int64 // changes: the last one that needs no look after a restart, and the last one looked at
	all          bool  // every photo is to be looked at
	wrote        bool  // since saved
	troubles     map[place]*trouble
}

// NewWriter makes a writer over an open catalogue.
func NewWriter(c *catalogue.Catalogue, roots Roots, log *slog.Logger) *Writer {
	return &Writer{catalogue: c, roots: roots, log: log, troubles: map[place]*trouble{}}
}

// Run follows the catalogue until the context ends.
func (w *Writer) Run(ctx context.Context) error {
	for {
		changed := w.catalogue.Wait()
		pause := w.untilRetry()
		if err := w.catchUp(ctx); err == nil {
			pause = w.untilRetry()
		} else if ctx.Err() == nil {
			w.log.Error("sidecars cannot be kept up; trying again", "error", err, "pause", pauseCatalogue)
			changed, pause = nil, pauseCatalogue
		}
		timer := time.NewTimer(pause)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// catchUp handles everything that is new or due. An error is the catalogue's or
// the context's; what was not handled stays to be.
func (w *Writer) catchUp(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.load, w.follow, w.lookAtAll, w.retry, w.save} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load finds where to go on. Old events are forgotten: where some of those that
// were not handled may be, every photo is looked at.
func (w *Writer) load(ctx context.Context) error {
	if w.loaded {
		return nil
	}
	value, err := w.catalogue.Setting(ctx, setting)
	if err != nil {
		return err
	}
	oldest, err := w.catalogue.Events(ctx, 0, 1)
	if err != nil {
		return err
	}
	newest, err := w.catalogue.Change(ctx)
	if err != nil {
		return err
	}
	saved, err := strconv.ParseInt(value, 10, 64)
	if err != nil || saved < 0 || saved > newest {
		saved = 0
	}
	w.saved, w.after, w.loaded = saved, saved, true
	w.all = len(oldest) > 0 && oldest[0].Change > saved+1
	return nil
}

// follow takes the events since the last one looked at. A file that is found
// somewhere has its photo's tags; a folder that is back may lack any.
func (w *Writer) follow(ctx context.Context) error {
	for {
		events, err := w.catalogue.Events(ctx, w.after, page)
		if err != nil || len(events) == 0 {
			return err
		}
		photos := map[int64]int64{}
		for _, event := range events {
			switch event.Kind {
			case catalogue.PhotoTagged, catalogue.FileFound:
				if _, known := photos[event.Photo]; !known {
					photos[event.Photo] = event.Change
				}
			case catalogue.FolderOnline:
				w.all = true
			}
		}
		for _, photo := range slices.Sorted(maps.Keys(photos)) {
			if err := w.handle(ctx, photo, photos[photo]); err != nil {
				return err
			}
		}
		w.after = events[len(events)-1].Change
	}
}

func (w *Writer) lookAtAll(ctx context.Context) error {
	var after int64
	for w.all {
		photos, err := w.catalogue.PhotosWithWord(ctx, after, page)
		if err != nil {
			return err
		}
		for _, photo := range photos {
			if err := w.handle(ctx, photo, w.saved+1); err != nil {
				return err
			}
			after = photo
		}
		w.all = len(photos) > 0
	}
	return nil
}

// save notes how far the sidecars are. What could not be written yet is looked at
// again after a restart.
func (w *Writer) save(ctx context.Context) error {
	done := w.after
	for _, trouble := range w.troubles {
		for _, change := range trouble.photos {
			done = min(done, change-1)
		}
	}
	if done <= w.saved || !w.wrote && done < w.saved+saveAfter {
		return nil
	}
	if err := w.catalogue.SetSetting(ctx, setting, strconv.FormatInt(done, 10)); err != nil {
		return fmt.Errorf("note which sidecars are written: %w", err)
	}
	w.saved, w.wrote = done, false
	return nil
}

// handle brings the sidecars of a photo's files up to the user's word, because of
// a change. That one cannot be written is no error here: it is retried, or told.
func (w *Writer) handle(ctx context.Context, id, change int64) error {
	word, err := w.catalogue.UserWord(ctx, id)
	if err != nil || len(word.Tags)+len(word.Removed) == 0 {
		return err
	}
	photo, err := w.catalogue.Photo(ctx, id)
	if errors.Is(err, catalogue.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.wrote = true
	for _, file := range photo.Files {
		if file.Missing || file.Offline || file.Rejected {
			continue // an event tells when it is back
		}
		if err := w.handleFile(ctx, id, change, file, word); err != nil {
			return err
		}
	}
	return nil
}
