// Package thumbnail keeps the small picture of each photo in a folder of its
// own. What is missing there is made again on demand, by the caller: this
// package neither makes nor parses pictures.
package thumbnail

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Side is the longest side of a stored thumbnail in pixels.
const Side = 320

// A Store is a folder of WebP files named by the digest of their photo.
type Store struct{ folder string }

// Open makes the folder if it is missing, and clears what a kill left of
// unfinished files.
func Open(folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for thumbnails: %w", err)
	}
	unfinished, err := filepath.Glob(filepath.Join(folder, "partial-*"))
	for _, path := range unfinished {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return nil, fmt.Errorf("clear the folder for thumbnails: %w", err)
	}
	return &Store{folder: folder}, nil
}

func (s *Store) path(digest [32]byte) string {
	name := hex.EncodeToString(digest[:])
	return filepath.Join(s.folder, name[:2], name[2:]+".webp")
}

// Has reports whether the photo has a thumbnail. An empty file, as a power cut
// leaves one, is none.
func (s *Store) Has(digest [32]byte) bool {
	info, err := os.Stat(s.path(digest))
	return err == nil && info.Size() > 0
}

// Read gives the WebP bytes, or an error that is fs.ErrNotExist.
func (s *Store) Read(digest [32]byte) ([]byte, error) {
	if !s.Has(digest) {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(s.path(digest))
}

// Write stores the WebP bytes; readers see the old, none or the whole new one.
// A thumbnail is derived, so it is not synced to the disk.
func (s *Store) Write(digest [32]byte, webp []byte) error {
	path := s.path(digest)
	partial, err := os.CreateTemp(s.folder, "partial-*")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder for thumbnails is gone; restart vsed: %w", err)
	}
	if err != nil {
		return fmt.Errorf("write a thumbnail: %w", err)
	}
	_, err = partial.Write(webp)
	if err = errors.Join(err, partial.Close()); err == nil {
		err = s.publish(partial.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write a thumbnail: %w", err), os.Remove(partial.Name()))
	}
	return nil
}

func (s *Store) publish(partial, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
