// Package watch knows what lies in a photo folder: it scans one whole, opens
// photos in it, and notices changes as they come. It never follows a symbolic
// link below the root, never opens a file for writing, and knows no catalogue:
// what a path meant before is its caller's to compare. Whether a file is a photo
// is in the end said by its content, which is not read here.
//
// Paths are bytes: Go strings that need not be UTF-8, relative to the root, with
// a slash between names. The root itself may be a symbolic link: it is followed
// when a scan, an opening or a watch begins.
package watch

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// An Info is what the filesystem says of a file, as far as it tells whether the
// file has changed. Times are nanoseconds since 1970.
type Info struct {
	Device, Inode uint64
	Size          int64
	ModifiedNanos int64
	ChangedNanos  int64
	Regular       bool
	Folder        bool
}

func infoOf(stat *unix.Stat_t) Info {
	return Info{
		Device:        uint64(stat.Dev),
		Inode:         stat.Ino,
		Size:          stat.Size,
		ModifiedNanos: stat.Mtim.Nano(),
		ChangedNanos:  stat.Ctim.Nano(),
		Regular:       stat.Mode&unix.S_IFMT == unix.S_IFREG,
		Folder:        stat.Mode&unix.S_IFMT == unix.S_IFDIR,
	}
}

// An Entry is a file, or a folder that is not gone into.
type Entry struct {
	Path string
	Info
	// Problem says why the entry could not be read; of a folder (Folder is true)
	// it means that nothing is known of what lies in it, not that it is empty.
	Problem error
	// Rule names the rule by which the entry is ignored, and is empty for a photo
	// by name and for a sidecar.
	Rule string
	// Sidecar says that this is no photo but a file with tags of one.
	Sidecar bool
}

// openRoot opens a root folder, which may be a symbolic link to one. The error
// names the folder; it is fs.ErrNotExist where there is none.
func openRoot(root string) (int, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if errors.Is(err, unix.ENOTDIR) {
		return -1, fmt.Errorf("folder %s: is not a folder (%w)", root, err)
	}
	if err != nil {
		return -1, fmt.Errorf("folder %s: %w", root, err)
	}
	return fd, nil
}

// retry calls again what a signal interrupted, as Go's scheduler sends some.
func retry(call func() (int, error)) (int, error) {
	for {
		if result, err := call(); !errors.Is(err, unix.EINTR) {
			return result, err
		}
	}
}

// statAt is lstat of a name in an open folder.
func statAt(folder int, name string) (Info, uint32, error) {
	var stat unix.Stat_t
	_, err := retry(func() (int, error) { return 0, unix.Fstatat(folder, name, &stat, unix.AT_SYMLINK_NOFOLLOW) })
	return infoOf(&stat), stat.Mode, err
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
