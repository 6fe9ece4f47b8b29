package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/daemon/ignore"
)

// ErrNotRegular refuses what is a folder, a pipe, a device or a socket.
var ErrNotRegular = errors.New("is not a regular file")

// openPhoto opens a regular file beneath root for reading, without following
// any symbolic link below root, and never waits, as opening a pipe would. The
// Info is of the open file: where it differs from that of a scan, the file has
// changed since. The caller closes the file. Errors name it, and are
// fs.ErrNotExist and fs.ErrPermission where they are.
func openPhoto(root, relative string) (*os.File, Info, error) {
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

// Restat asks anew about a photo that OpenPhoto opened. Where size or time of change
// of content differ, what was read of it meanwhile may be of two contents.
func (r *Root) Restat(ctx context.Context, photo *os.File) (info Info, err error) {
	var found Info
	err = r.call(ctx, func() error {
		connection, err := photo.SyscallConn()
		if err != nil {
			return err
		}
		var stat unix.Stat_t
		var failed error
		err = connection.Control(func(fd uintptr) { failed = unix.Fstat(int(fd), &stat) })
		found = infoOf(&stat)
		return errors.Join(err, failed)
	})
	if err != nil {
		return Info{}, fmt.Errorf("photo %s: %w", photo.Name(), err)
	}
	return found, nil
}

// OpenPhoto is openPhoto, but ends with ctx, and with
// ErrNotAnswering where the filesystem hangs. What such a call opens after all is
// closed then.
func (r *Root) OpenPhoto(ctx context.Context, relative string) (*os.File, Info, error) {
	var file *os.File
	var info Info
	t, err := r.start(ctx, func(p *pulse) (err error) {
		p.begin()
		defer p.end()
		file, info, err = openPhoto(r.path, relative)
		return err
	})
	if err != nil {
		return nil, Info{}, err
	}
	if err := r.wait(ctx, t, nil, nil); err != nil {
		r.afterwards(t, func() { file.Close() }) // nil where nothing was opened
		return nil, Info{}, err
	}
	return file, info, nil
}

// Look says what lies at a path now, as a scan would: with the rule that
// ignores it or a folder above it. It opens nothing but folders and their
// .vsedignore. The error is fs.ErrNotExist where nothing is there, or no folder
// that leads there.
func (r *Root) Look(ctx context.Context, relative string) (Entry, error) {
	var entry Entry
	err := r.call(ctx, func() (err error) {
		entry, err = look(r.path, relative)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	return entry, nil
}

func look(root, relative string) (Entry, error) {
	if err := checkLocal(root, relative); err != nil {
		return Entry{}, err
	}
	above, rules, ignoredBy, err := goDown(root, path.Dir(relative))
	if err != nil {
		return Entry{}, err
	}
	defer unix.Close(above)
	info, mode, err := statAt(above, path.Base(relative))
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", path.Join(root, relative), err)
	}
	entry := Entry{Path: relative, Info: info}
	switch {
	case ignoredBy != "":
		entry.Rule = ignoredBy
	case relative != ".":
		entry.classify(rules, mode)
	}
	return entry, nil
}

func checkLocal(root, relative string) error {
	if !filepath.IsLocal(relative) {
		return fmt.Errorf("%s: %q is not a path within its folder", root, relative)
	}
	return nil
}

// goDown opens the folder at a path below a root, with the patterns that hold in
// it, or the rule that ignores it. It follows no symbolic link: where one is on
// the way, nothing is there (fs.ErrNotExist).
func goDown(root, relative string) (folder int, rules *ignore.Rules, ignoredBy string, err error) {
	if folder, err = openRoot(root); err != nil {
		return -1, nil, "", err
	}
	way := "."
	for name := range strings.SplitSeq(path.Clean(relative), "/") {
		if ignoredBy == "" {
			rules, err = rulesIn(folder, way, rules)
		}
		if err == nil && name == "." {
			return folder, rules, "", nil
		}
		if err == nil {
			way = join(way, name)
			folder, err = stepDown(folder, name)
		}
		if err != nil {
			unix.Close(folder)
			return -1, nil, "", fmt.Errorf("%s: %w", path.Join(root, way), err)
		}
		if entry := (Entry{Path: way, Info: Info{Folder: true}}); ignoredBy == "" {
			entry.classify(rules, unix.S_IFDIR)
			ignoredBy = entry.Rule
		}
	}
	if ignoredBy == "" {
		if rules, err = rulesIn(folder, way, rules); err != nil {
			unix.Close(folder)
			return -1, nil, "", fmt.Errorf("%s: %w", path.Join(root, way), err)
		}
	}
	return folder, rules, ignoredBy, nil
}

// stepDown gives a folder by its name in an open one, which it closes; where
// that fails it gives that one back, open.
func stepDown(folder int, name string) (int, error) {
	next, err := openName(folder, name, unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		err = unix.ENOENT
	}
	if err != nil {
		return folder, err
	}
	unix.Close(folder)
	return next, nil
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
