package sidecar

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vsed/daemon/watch"
)

const (
	pauseFirst   = 5 * time.Second
	pauseLongest = 10 * time.Minute
)

// A place is a directory: what keeps one sidecar in it from being written mostly
// keeps all.
type place struct {
	folder    int64
	directory string // below the folder
}

// trouble is a place that cannot be written to at present.
type trouble struct {
	photos map[int64]int64 // that wait, with the first change that they wait since
	reason string
	pause  time.Duration
	next   time.Time // when to try again
}

// waits notes a photo whose place is not to be tried again yet.
func (w *Writer) waits(at place, photo, change int64) bool {
	t := w.troubles[at]
	if t == nil || !time.Now().Before(t.next) {
		return false
	}
	t.add(photo, change)
	return true
}

func (t *trouble) add(photo, change int64) {
	if since, known := t.photos[photo]; !known || change < since {
		t.photos[photo] = change
	}
}

// suffer notes that a place cannot be written to. One line tells it for all of a
// folder.
func (w *Writer) suffer(at place, photo, change int64, err error) {
	reason := explain(err)
	told := false
	for other, t := range w.troubles {
		told = told || other.folder == at.folder && t.reason == reason
	}
	t := w.troubles[at]
	if t == nil {
		t = &trouble{photos: map[int64]int64{}, pause: pauseFirst / 2}
		w.troubles[at] = t
	}
	t.add(photo, change)
	t.reason, t.pause = reason, min(2*t.pause, pauseLongest)
	t.next = time.Now().Add(t.pause)
	if !told {
		w.log.Warn("the user's tags cannot be written for now; trying again", "folder", at.folder, "photo", photo, "reason", reason)
	}
}

// relieve notes that nothing keeps a photo of a place waiting any more.
func (w *Writer) relieve(at place, photo int64) {
	t := w.troubles[at]
	if t == nil {
		return
	}
	delete(t.photos, photo)
	if len(t.photos) > 0 {
		return
	}
	delete(w.troubles, at)
	for other := range w.troubles {
		if other.folder == at.folder {
			return
		}
	}
	w.log.Info("the user's tags that waited are written", "folder", at.folder)
}

// untilRetry is the time until a place is to be tried again.
func (w *Writer) untilRetry() time.Duration {
	wait := time.Hour
	for _, t := range w.troubles {
		wait = min(wait, time.Until(t.next))
	}
	return wait
}

// retry tries the places that are due, each until it fails again.
func (w *Writer) retry(ctx context.Context) error {
	for at, t := range maps.Clone(w.troubles) {
		for _, photo := range slices.Sorted(maps.Keys(t.photos)) {
			if time.Now().Before(t.next) {
				break
			}
			if err := w.handle(ctx, photo, t.photos[photo]); err != nil {
				return err
			}
			if !time.Now().Before(t.next) {
				w.relieve(at, photo) // also where its file is elsewhere by now
			}
		}
	}
	return nil
}

// explain says in one line, without a path, what keeps a sidecar from being
// written, and what to do.
func explain(err error) string {
	switch {
	case errors.Is(err, watch.ErrNotAnswering):
		return "its filesystem does not answer"
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Sprintf("%v: let vsed write to the folder, or set tags.write_sidecars = false", withoutPath(err))
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Sprintf("%v: make room", withoutPath(err))
	case errors.Is(err, unix.ENOENT):
		return "the folder is not there"
	}
	return withoutPath(err).Error()
}

// withoutPath keeps paths out of the log.
func withoutPath(err error) error {
	var refusal *RefusedError
	var errno syscall.Errno
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, errChanged):
		return errChanged
	}
	return errors.New("its folder cannot be opened")
}
