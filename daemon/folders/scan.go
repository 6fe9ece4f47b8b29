package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// observeBatch is how many files go to the catalogue in one transaction.
const observeBatch = 500

// scan walks the whole folder and compares it with the catalogue. What lies
// below a folder that cannot be read is not declared missing.
func (f *follower) scan(ctx context.Context, reason string) error {
	start := time.Now()
	f.set(func() { f.working, f.waiting = f.waiting, time.Time{} })
	before, err := f.mounted(ctx)
	if err != nil {
		return err
	}
	scan := f.catalogue.BeginScan(f.folder.ID)
	walk := &walk{observe: scan.Observe, hold: f.holder(start)}
	if err := f.root.Scan(ctx, walk.visit(ctx)); err != nil {
		return err
	}
	if err := walk.flush(ctx); err != nil {
		return err
	}
	if err := f.settle(ctx); err != nil {
		return err
	}
	if err := f.finish(ctx, scan, walk, before); err != nil {
		return err
	}
	f.set(func() { f.state = Online })
	f.problem = ""
	f.trouble.Store(nil)
	log := f.log.Info
	if f.watcher.Mode() != watch.Watching {
		log = f.log.Debug // it comes each minute
	}
	log("scanned a folder", "folder", f.folder.ID, "files", walk.files, "reason", reason, "duration", time.Since(start).Round(time.Millisecond))
	return nil
}

// settle waits once for the files that were written to a moment ago, so that a
// scan that is over tells of every file but those that are still written to.
func (f *follower) settle(ctx context.Context) error {
	if len(f.settling.files) == 0 {
		return nil
	}
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-timer.C:
		return f.lookAgain(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish judges a walk: what was not seen is missing if the walk saw the folder,
// from the beginning to the end.
func (f *follower) finish(ctx context.Context, scan *catalogue.Scan, walk *walk, before watch.Identity) error {
	after, err := f.root.Identity(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("%s %w", f.folder.Path, errNotMounted)
	}
	if err == nil && walk.names == 0 {
		err = f.unlikelyEmpty(ctx)
	}
	if err != nil {
		return err
	}
	if err := f.catalogue.SetFolderState(ctx, f.folder.ID, false, walk.problem()); err != nil {
		return err
	}
	return scan.Finish(ctx, walk.unread)
}

// holder says of each entry whether it waits until it has settled.
func (f *follower) holder(since time.Time) func(watch.Entry) bool {
	return func(entry watch.Entry) bool { return f.settling.holds(entry, time.Now(), since) }
}

// look takes single paths that changed into the catalogue: a file, a whole
// directory, or nothing any more.
func (f *follower) look(ctx context.Context, paths []string, since time.Time) error {
	walk := &walk{hold: f.holder(since), observe: func(ctx context.Context, observations []catalogue.Observation) error {
		return f.catalogue.Observe(ctx, f.folder.ID, observations)
	}}
	var gone []string
	for _, path := range paths {
		err := f.lookAt(ctx, path, walk.visit(ctx))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.settling.forget(path)
			gone = append(gone, path)
		case errors.Is(err, watch.ErrNotAnswering) || ctx.Err() != nil:
			return err
		case err != nil:
			if err := sameRoot(ctx, f.catalogue, f.folder.ID, f.root); err != nil {
				return err
			}
			f.settling.forget(path)
			f.again = true // a scan tells of it
		}
	}
	if err := walk.flush(ctx); err != nil {
		return err
	}
	if len(gone) == 0 {
		return nil
	}
	return f.vanished(ctx, gone)
}

// vanished takes it into the catalogue that nothing is at these paths, unless all
// of the folder is gone, or the disk that they lay on.
func (f *follower) vanished(ctx context.Context, paths []string) error {
	if err := sameRoot(ctx, f.catalogue, f.folder.ID, f.root); err != nil {
		return err
	}
	var gone []string
	for _, path := range paths {
		away, err := diskAway(ctx, f.catalogue, f.folder.ID, f.root, path)
		if err != nil {
			return err
		}
		if away {
			f.again = true
		} else {
			gone = append(gone, path)
		}
	}
	return f.catalogue.Vanished(ctx, f.folder.ID, gone)
}

// lookAgain takes in what has settled.
func (f *follower) lookAgain(ctx context.Context) error {
	paths, since := f.settling.due(time.Now())
	f.set(func() { f.working = since })
	return f.look(ctx, paths, since)
}

// lookAt visits the file at a path, or every file below it.
func (f *follower) lookAt(ctx context.Context, path string, visit func(watch.Entry) error) error {
	entry, err := f.root.Look(ctx, path)
	if err != nil {
		return err
	}
	if entry.Folder && entry.Rule == "" {
		f.settling.forget(path)
		return f.root.ScanFolder(ctx, path, visit)
	}
	return visit(entry)
}

// A walk gathers entries into batches for the catalogue.
type walk struct {
	observe    func(ctx context.Context, observations []catalogue.Observation) error
	hold       func(watch.Entry) bool
	pending    []catalogue.Observation
	names      int // of whatever kind
	files      int
	unreadable []error
	unread     []string // what stays as it is known: what unreadable is about, and what has not settled
}

func (w *walk) visit(ctx context.Context) func(watch.Entry) error {
	return func(entry watch.Entry) error {
		w.names++
		if entry.Problem != nil {
			w.unreadable = append(w.unreadable, named(entry))
			w.unread = append(w.unread, entry.Path)
			return nil
		}
		w.files++
		if w.hold(entry) {
			w.unread = append(w.unread, entry.Path)
			return nil
		}
		w.pending = append(w.pending, observation(entry))
		if len(w.pending) < observeBatch {
			return nil
		}
		return w.flush(ctx)
	}
}

func observation(entry watch.Entry) catalogue.Observation {
	return catalogue.Observation{Path: entry.Path, Stat: Stat(entry.Info), Rule: entry.Rule, Sidecar: entry.Sidecar}
}

func (w *walk) flush(ctx context.Context) error {
	batch := w.pending
	w.pending = nil
	return w.observe(ctx, batch)
}

// named is an entry's problem with the path below the folder. Those of a rules
// file have it.
func named(entry watch.Entry) error {
	if entry.Path == "." || strings.HasPrefix(entry.Problem.Error(), entry.Path+"/") {
		return entry.Problem
	}
	return fmt.Errorf("%s: %w", entry.Path, entry.Problem)
}

// problem is the line that the folder's status shows.
func (w *walk) problem() string {
	switch len(w.unreadable) {
	case 0:
		return ""
	case 1:
		return remedy(w.unreadable[0])
	}
	return fmt.Sprintf("%s; and %d more", remedy(w.unreadable[0]), len(w.unreadable)-1)
}

// Stat converts what was seen into what the catalogue keeps.
func Stat(info watch.Info) catalogue.Stat {
	return catalogue.Stat{Device: info.Device, Inode: info.Inode, Size: info.Size, ModifiedNanos: info.ModifiedNanos, ChangedNanos: info.ChangedNanos}
}
