package sidecar

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/daemon/catalogue"
)

// handleFile writes the sidecar of one file, unless its place is in trouble and
// not to be tried again yet.
func (w *Writer) handleFile(ctx context.Context, photo, change int64, file catalogue.File, word catalogue.Word) error {
	relative, err := filepath.Rel(file.Folder, file.Path)
	if err != nil {
		return err
	}
	at := place{file.FolderID, path.Dir(relative)}
	if w.waits(at, photo, change) {
		return nil
	}
	shared, err := w.shared(ctx, file.FolderID, relative)
	if err != nil {
		return err
	}
	one := target{photo: path.Base(relative), shared: shared, tags: word.Tags, removed: word.Removed}
	err = w.write(ctx, file, at, one)
	var refusal *RefusedError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refusal) || errors.Is(err, unix.ENAMETOOLONG):
		w.log.Warn("the user's tags are not written", "folder", file.FolderID, "photo", photo, "reason", withoutPath(err))
		w.relieve(at, photo)
	case err != nil:
		w.suffer(at, photo, change, err)
	default:
		w.relieve(at, photo)
	}
	return nil
}

func (w *Writer) write(ctx context.Context, file catalogue.File, at place, one target) error {
	return w.roots.Root(file.FolderID, file.Folder).InFolder(ctx, at.directory, func(folder int) error {
		one.folder = folder
		written, err := one.write()
		if written && err == nil {
			w.log.Debug("wrote a sidecar", "folder", file.FolderID)
		}
		return err
	})
}

// shared reports whether a.xmp beside a.jpg would give its tags to another photo
// also, such as a.cr2: then it stays that program's which wrote it.
func (w *Writer) shared(ctx context.Context, folder int64, relative string) (bool, error) {
	stem := strings.TrimSuffix(relative, path.Ext(relative))
	if path.Base(relative) == path.Ext(relative) {
		return true, nil // .jpg
	}
	same, err := w.catalogue.PresentPaths(ctx, folder, justBefore(stem), 1)
	if err != nil || len(same) > 0 && same[0] == stem {
		return true, err
	}
	for after := justBefore(stem + "."); ; {
		paths, err := w.catalogue.PresentPaths(ctx, folder, after, page)
		if err != nil {
			return false, err
		}
		for _, other := range paths {
			rest, beside := strings.CutPrefix(other, stem+".")
			if !beside {
				return false, nil
			}
			if other != relative && !strings.ContainsAny(rest, "./") {
				return true, nil
			}
			after = other
		}
		if len(paths) == 0 {
			return false, nil
		}
	}
}

// justBefore gives a text that comes before another one in the order of bytes,
// with hardly a path between. The other has no NUL, and is not empty.
func justBefore(text string) string {
	last := len(text) - 1
	return text[:last] + string([]byte{text[last] - 1, 0xff})
}
