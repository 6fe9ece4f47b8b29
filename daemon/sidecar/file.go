package sidecar

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
)

const extension = ".xmp"

// temporaryName is what a new sidecar is called until it is whole. Being hidden,
// the watcher ignores it.
const temporaryName = ".vsed-sidecar"

// errChanged says that another program wrote the sidecar meanwhile.
var errChanged = errors.New("the sidecar changed while it was merged")

// A target is a photo's file in an open folder, and what to write beside it.
type target struct {
	folder  int    // descriptor
	photo   string // its name in the folder
	shared  bool   // a.xmp would be another photo's, too
	tags    []string
	removed []string
}

// write brings the sidecar up to the user's word and reports whether that took
// writing. A photo that is not there has none.
func (t target) write() (written bool, err error) {
	var photo unix.Stat_t
	err = unix.Fstatat(t.folder, t.photo, &photo, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, fs.ErrNotExist) || err == nil && photo.Mode&unix.S_IFMT != unix.S_IFREG {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	old, err := t.existing()
	if err != nil || old == nil && len(t.tags) == 0 {
		return false, err
	}
	if old == nil {
		merged, err := Merge(nil, t.tags, t.removed)
		if err != nil {
			return false, err
		}
		return true, replace(t.folder, t.photo+extension, merged, func(file *os.File) error {
			return file.Chmod(os.FileMode(photo.Mode & 0o666))
		}, nil)
	}
	merged, err := Merge(old.text, t.tags, t.removed)
	if err != nil || string(merged) == string(old.text) {
		return false, err
	}
	return true, replace(t.folder, old.name, merged, old.like, &old.stat)
}

// A present sidecar as it was read.
type present struct {
	name string
	text []byte
	stat unix.Stat_t
}

// existing reads the photo's sidecar; nil where it has none.
func (t target) existing() (*present, error) {
	names := []string{t.photo + extension, t.photo + strings.ToUpper(extension)}
	if stem := strings.TrimSuffix(t.photo, path.Ext(t.photo)); !t.shared && stem != "" && stem != t.photo {
		names = append(names, stem+extension, stem+strings.ToUpper(extension))
	}
	for _, name := range names {
		found, err := read(t.folder, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return found, err
		}
	}
	return nil, nil
}

func read(folder int, name string) (*present, error) {
	fd, err := unix.Openat(folder, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, refused("is a symbolic link, which is not followed")
	}
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	found := &present{name: name}
	if err := unix.Fstat(fd, &found.stat); err != nil {
		return nil, err
	}
	if found.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, refused("is not a regular file")
	}
	// One byte more, so that Merge sees what is too large.
	found.text, err = io.ReadAll(io.LimitReader(file, contract.SidecarLimit+1))
	return found, err
}

// like gives a file the owner and mode of the sidecar that it replaces.
func (p *present) like(file *os.File) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return err
	}
	if stat.Uid != p.stat.Uid || stat.Gid != p.stat.Gid {
		if err := unix.Fchown(int(file.Fd()), int(p.stat.Uid), int(p.stat.Gid)); err != nil {
			return err
		}
	}
	return unix.Fchmod(int(file.Fd()), p.stat.Mode&0o777)
}

// replace puts a whole file in the place of name in one step, on the disk when it
// returns. was is what stood there; nil: nothing, and what has appeared since is
// not replaced.
func replace(folder int, name string, text []byte, dress func(*os.File) error, was *unix.Stat_t) (err error) {
	if !strings.EqualFold(path.Ext(name), extension) {
		return refused("would not be a sidecar by its name")
	}
	file, err := createTemporary(folder)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = unix.Unlinkat(folder, temporaryName, 0) // the first error counts
		}
	}()
	_, err = file.Write(text)
	if err == nil {
		err = dress(file)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := rename(folder, temporaryName, name, was); err != nil {
		return err
	}
	return unix.Fsync(folder)
}

// createTemporary is the one place where this package opens a file for writing:
// a new one, with a name that no photo has. What a killed daemon left there goes.
func createTemporary(folder int) (*os.File, error) {
	if err := unix.Unlinkat(folder, temporaryName, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fd, err := unix.Openat(folder, temporaryName, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), temporaryName), nil
}

// rename takes the place of a sidecar that is as it was read. Between the look
// and the step another program's write can be lost: the system has no call that
// does both.
func rename(folder int, from, to string, was *unix.Stat_t) error {
	if was == nil {
		err := unix.Renameat2(folder, from, folder, to, unix.RENAME_NOREPLACE)
		if errors.Is(err, fs.ErrExist) {
			return errChanged
		}
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
			return err
		}
	}
	var now unix.Stat_t
	err := unix.Fstatat(folder, to, &now, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case was == nil && err == nil:
		return errChanged
	case was == nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case was != nil && (err != nil || !sameStat(&now, was)):
		return errChanged
	}
	return unix.Renameat(folder, from, folder, to)
}

func sameStat(a, b *unix.Stat_t) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Size == b.Size && a.Mtim == b.Mtim && a.Ctim == b.Ctim
}
