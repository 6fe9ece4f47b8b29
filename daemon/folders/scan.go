package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// scan walks the whole folder and compares it with the catalogue. What lies
// below a folder that cannot be read is not declared missing.
func (k *Keeper) scan(ctx context.Context, folder catalogue.Folder, reason string) error {
	start := time.Now()
	scan := k.catalogue.BeginScan(folder.ID)
	walk := &walk{observe: scan.Observe}
	if err := watch.Scan(ctx, folder.Path, walk.visit(ctx)); err != nil {
		return err
	}
	if err := walk.flush(ctx); err != nil {
		return err
	}
	if err := k.catalogue.SetFolderState(ctx, folder.ID, false, walk.problem()); err != nil {
		return err
	}
	if err := scan.Finish(ctx, walk.unread); err != nil {
		return err
	}
	k.log.Info("scanned a folder", "folder", folder.ID, "files", walk.files, "reason", reason, "duration", time.Since(start).Round(time.Millisecond))
	return nil
}

// look takes single paths that changed into the catalogue: a file, a whole
// directory, or nothing any more.
func (k *Keeper) look(ctx context.Context, folder catalogue.Folder, paths []string) error {
	walk := &walk{observe: func(ctx context.Context, observations []catalogue.Observation) error {
		return k.catalogue.Observe(ctx, folder.ID, observations)
	}}
	var gone []string
	for _, path := range paths {
		err := lookAt(ctx, folder.Path, path, walk.visit(ctx))
		switch {
		case errors.Is(err, fs.ErrNotExist) && checkRoot(folder.Path) == nil:
			gone = append(gone, path)
		case errors.Is(err, fs.ErrPermission) && checkRoot(folder.Path) == nil:
			// The next scan tells of it.
		case err != nil:
			return err
		}
	}
	if err := walk.flush(ctx); err != nil {
		return err
	}
	if len(gone) == 0 {
		return nil
	}
	return k.catalogue.Vanished(ctx, folder.ID, gone)
}

// lookAt visits the file at a path, or every file below it.
func lookAt(ctx context.Context, root, path string, visit func(watch.Entry) error) error {
	entry, err := watch.Look(root, path)
	if err != nil {
		return err
	}
	if entry.Info.Folder && entry.Rule == "" {
		return watch.ScanFolder(ctx, root, path, visit)
	}
	return visit(entry)
}

// A walk gathers entries into batches for the catalogue.
type walk struct {
	observe    func(ctx context.Context, observations []catalogue.Observation) error
	pending    []catalogue.Observation
	files      int
	unreadable []error
	unread     []string // the folders that unreadable is about
}

func (w *walk) visit(ctx context.Context) func(watch.Entry) error {
	return func(entry watch.Entry) error {
		if entry.Problem != nil {
			w.unreadable = append(w.unreadable, entry.Problem)
			w.unread = append(w.unread, entry.Path)
			return nil
		}
		w.files++
		w.pending = append(w.pending, catalogue.Observation{Path: entry.Path, Stat: Stat(entry.Info), Rule: entry.Rule})
		if len(w.pending) < observeBatch {
			return nil
		}
		return w.flush(ctx)
	}
}

func (w *walk) flush(ctx context.Context) error {
	batch := w.pending
	w.pending = nil
	return w.observe(ctx, batch)
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
