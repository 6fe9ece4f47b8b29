package watch

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNotRegular refuses what is a folder, a pipe, a device or a socket.
var ErrNotRegular = errors.New("is not a regular file")

// OpenPhoto opens a regular file beneath root for reading, without following
// any symbolic link below root, and never waits, as opening a pipe would. The
// Info is of the open file: where it differs from that of a scan, the file has
// changed since. The caller closes the file. Errors name it, and are
// fs.ErrNotExist and fs.ErrPermission where they are.
func OpenPhoto(root, relative string) (*os.File, Info, error) {
	name := path.Join(root, relative)
	fd, err := openFile(root, relative)
	if err != nil {
		return nil, Info{}, fmt.Errorf("photo %s: %w", name, err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return nil, Info{}, fmt.Errorf("photo %s: %w", name, err)
	}
	info := infoOf(&stat)
	if !info.Regular {
		unix.Close(fd)
		return nil, Info{}, fmt.Errorf("photo %s: %w", name, ErrNotRegular)
	}
	// A regular file never blocks; the decoder gets a descriptor like any other.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, Info{}, fmt.Errorf("photo %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), info, nil
}

func openFile(root, relative string) (int, error) {
	folder, err := openRoot(root)
	if err != nil {
		return -1, err
	}
	defer unix.Close(folder)
	return openBeneath(folder, relative, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
}

// Look says what lies at a path now, as a scan would: with the rule that
// ignores it or a folder above it. It opens nothing but folders. The error is
// fs.ErrNotExist where nothing is there, or no folder that leads there.
func Look(root, relative string) (Entry, error) {
	folder, err := openRoot(root)
	if err != nil {
		return Entry{}, err
	}
	defer unix.Close(folder)
	above, err := openBeneath(folder, path.Dir(relative), unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		err = unix.ENOENT
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", path.Join(root, relative), err)
	}
	defer unix.Close(above)
	name := path.Base(relative)
	info, mode, err := statAt(above, name)
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", path.Join(root, relative), err)
	}
	entry := Entry{Path: relative, Info: info, Rule: ruleOfPath(relative)}
	if entry.Rule == "" && name != "." {
		entry.Rule = ruleOf(name, mode)
	}
	return entry, nil
}

// openBeneath opens a path below an open folder and follows no symbolic link.
func openBeneath(folder int, relative string, flags int) (int, error) {
	if !filepath.IsLocal(relative) {
		return -1, errors.New("is not a path within its folder")
	}
	if len(relative) >= unix.PathMax {
		return openByName(folder, relative, flags)
	}
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	fd, err := retry(func() (int, error) { return unix.Openat2(folder, relative, &how) })
	// Kernels before 5.6 lack the call, some containers' filters refuse it.
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return openByName(folder, relative, flags)
	}
	return fd, linkError(err)
}

// openByName goes one name at a time, each below the folder opened before: for
// kernels without openat2, and for paths too long for one call.
func openByName(folder int, relative string, flags int) (int, error) {
	names := strings.Split(path.Clean(relative), "/")
	last := len(names) - 1
	for i, name := range names[:last] {
		next, err := openName(folder, name, unix.O_PATH|unix.O_DIRECTORY)
		if i > 0 {
			unix.Close(folder)
		}
		if err != nil {
			return -1, linkError(err)
		}
		folder = next
	}
	fd, err := openName(folder, names[last], flags)
	if last > 0 {
		unix.Close(folder)
	}
	return fd, linkError(err)
}

func openName(folder int, name string, flags int) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat(folder, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// linkError says what the system's "too many levels of symbolic links" means
// where none are followed.
func linkError(err error) error {
	if errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("a symbolic link is in the way: %w", err)
	}
	return err
}
