package encoder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keep copies the default's bundle, unless the copy is of this very bundle: an
// upgrade of vsed replaces the files, and what has vectors is then the copy.
func (s *Shelf) keep() error {
	if s.Kept == "" {
		return nil
	}
	now, err := os.ReadFile(filepath.Join(s.Default.Folder, manifestName)) // it names the digest of each file
	if err != nil {
		return fmt.Errorf("keep a copy of the encoder %s: %w", Default, err)
	}
	if before, err := os.ReadFile(filepath.Join(s.Kept, manifestName)); err == nil && bytes.Equal(now, before) {
		return nil
	}
	partial := s.Kept + ".partial"
	err = errors.Join(os.RemoveAll(partial), os.MkdirAll(filepath.Dir(partial), 0o700))
	if err == nil {
		err = os.CopyFS(partial, os.DirFS(s.Default.Folder))
	}
	if err == nil {
		err = errors.Join(syncFilesystem(partial), os.RemoveAll(s.Kept))
	}
	if err == nil {
		err = os.Rename(partial, s.Kept)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep a copy of the encoder %s: %w", Default, err), os.RemoveAll(partial))
	}
	return nil
}

// keptDefault is the default as it was when it last served.
func (s *Shelf) keptDefault() (Installed, error) {
	if s.Kept == "" {
		return Installed{}, fs.ErrNotExist
	}
	if _, err := os.Stat(filepath.Join(s.Kept, manifestName)); err != nil {
		return Installed{}, err
	}
	cache := s.cache(Default)
	return Installed{Name: Default, Folder: s.Kept, Cache: cache, Fixed: true, Command: s.Command(s.Kept, cache)}, nil
}

// keepDefault notes for the next upgrade what the default is that serves.
func (m *Manager) keepDefault(r *running) {
	if r.Name != Default || r.Folder != m.Shelf.Default.Folder {
		return
	}
	if err := m.Shelf.keep(); err != nil {
		m.Log.Warn("an upgrade that changes the default encoder will search words alone until the library is encoded anew", "error", err)
	}
}

// asBefore gives the default as it was before an upgrade gave it another space, to
// serve until the library is encoded for that; nil where there was none, or where
// it does not work any more.
func (m *Manager) asBefore(ctx context.Context, upgraded *running) *running {
	last := m.copyState().Serving
	if upgraded.Name != Default || last.Name != Default || last.Space == "" || last.Space == upgraded.about.GetSpace() {
		return nil
	}
	installed, err := m.Shelf.keptDefault()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var before *running
	if err == nil {
		before, err = m.start(ctx, installed)
	}
	if err == nil && before.about.GetSpace() != last.Space {
		err = errors.Join(fmt.Errorf("its copy has the space %s and not %s", before.about.GetSpace(), last.Space), m.end(before))
	}
	if err != nil {
		m.Log.Warn("the default encoder as it was before the upgrade cannot be used; words alone are searched until the library is encoded anew", "error", err)
		return nil
	}
	return before
}

// serveAsBefore serves the default as it was, and has a swap lead to the upgraded
// one.
func (m *Manager) serveAsBefore(ctx context.Context, before *running, space string) error {
	return m.serve(ctx, before, func(s *state) error {
		if s.Swap == nil {
			s.begin(plan{To: Default, Space: space, Started: time.Now()})
		}
		return nil
	})
}
