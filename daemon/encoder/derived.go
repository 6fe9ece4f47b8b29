package encoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// InstallFolder installs a bundle that was made on this machine, as Install does an
// upload. Its files are linked where they can be: a bundle that was derived from
// another has the large ones in common with it, and they lie on the disk once.
func (m *Manager) InstallFolder(ctx context.Context, name, folder string) (err error) {
	if err := m.mayInstall(name); err != nil {
		return err
	}
	partial, err := m.Shelf.makePartial(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	if err := linkFiles(ctx, folder, partial); err != nil {
		return fmt.Errorf("install the encoder %s: %w", name, err)
	}
	_, err = m.installTested(ctx, name, partial)
	return err
}

// linkFiles makes the folders and plain files of one folder in an empty other one.
func linkFiles(ctx context.Context, from, to string) error {
	files := 0
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		place := filepath.Join(to, below)
		switch {
		case below == ".":
			return nil
		case entry.IsDir():
			return os.Mkdir(place, 0o700)
		case !entry.Type().IsRegular():
			return bad("%s is no plain file", below)
		}
		if files++; files > mostFiles {
			return bad("it has more than %d files", mostFiles)
		}
		if os.Link(path, place) == nil {
			return nil
		}
		return copyFile(path, place)
	})
}

// copyFile is for a disk that has no links, or another one.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err == nil {
		err = roomFor(filepath.Dir(to), info.Size())
	}
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, source)
	return err
}
