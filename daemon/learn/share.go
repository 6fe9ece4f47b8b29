package learn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
)

// compared is how much of two files is compared at a time.
const compared = 1 << 20

// share has what a run proposes lie on the disk once with the encoder that it was made
// from: a trainer in its sandbox copies the networks that stay as they are, since by a
// link it could change them in that encoder, too.
func (m *Manager) share(ctx context.Context, number int) {
	run, err := m.run(number)
	if err != nil {
		return // it was deleted
	}
	all, err := m.Encoders.List(ctx)
	if at := slices.IndexFunc(all, func(one encoder.Known) bool { return one.Name == run.From }); err == nil && at >= 0 {
		err = shareFiles(ctx, all[at].Folder, filepath.Join(m.path(number), contract.LearnedFile))
	}
	if err != nil && ctx.Err() == nil {
		m.Log.Warn("what a learning run proposes takes more room than it needs", "run", number, "error", err)
	}
}

// shareFiles replaces each plain file of a folder by a link to the file of the same name
// and content in another, where there is one and the disk has links.
func shareFiles(ctx context.Context, from, folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil || !entry.Type().IsRegular() {
			return err
		}
		other := filepath.Join(from, relative(folder, path))
		if same, err := sameContent(other, path); err != nil || !same {
			return err
		}
		link := filepath.Join(filepath.Dir(folder), "link.partial") // where it is deleted, should it stay
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if os.Link(other, link) != nil {
			return fs.SkipAll // another disk, or one that has none
		}
		return os.Rename(link, path)
	})
}

// sameContent reports whether two names are of two plain files with the same content.
func sameContent(a, b string) (bool, error) {
	infoA, err := os.Lstat(a)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	infoB, errB := os.Lstat(b)
	if err := errors.Join(err, errB); err != nil {
		return false, err
	}
	if !infoA.Mode().IsRegular() || infoA.Size() != infoB.Size() || os.SameFile(infoA, infoB) {
		return false, nil
	}
	return equalFiles(a, b)
}

func equalFiles(a, b string) (equal bool, err error) {
	fileA, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fileA.Close() // only read
	fileB, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fileB.Close() // only read
	partA, partB := make([]byte, compared), make([]byte, compared)
	for {
		n, err := io.ReadFull(fileA, partA)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return false, err
		}
		if n == 0 {
			return true, nil
		}
		if _, err := io.ReadFull(fileB, partB[:n]); err != nil || !bytes.Equal(partA[:n], partB[:n]) {
			return false, err
		}
	}
}
