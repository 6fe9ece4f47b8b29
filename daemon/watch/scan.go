package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// maxDepth is how many folders deep a scan goes; each level keeps one
// descriptor. A deeper folder is an entry with a problem.
const maxDepth = 256

var errTooDeep = fmt.Errorf("lies more than %d folders deep; move it up", maxDepth)

// Scan visits every file below root: depth first, the names of each folder in
// the order of their bytes. Folders are visited only where they are not gone
// into: ignored by a rule, or not readable, which ends nothing else. A name that
// vanishes during the scan is left out.
//
// Scan returns an error only where root cannot be opened (fs.ErrNotExist when
// there is none), ctx ended, or visit returned an error: then what was visited
// is not the whole.
func Scan(ctx context.Context, root string, visit func(Entry) error) error {
	return ScanFolder(ctx, root, ".", visit)
}

// ScanFolder is Scan of one folder below root; "." is the root itself. Paths
// are still relative to root.
func ScanFolder(ctx context.Context, root, relative string, visit func(Entry) error) error {
	fd, err := openRoot(root)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	folder, err := openBeneath(fd, relative, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("folder %s: %w", path.Join(root, relative), err)
	}
	s := scanner{ctx: ctx, visit: visit}
	return s.folder(os.NewFile(uintptr(folder), relative), relative, 0)
}

type scanner struct {
	ctx   context.Context
	visit func(Entry) error
}

// folder visits what lies in an open folder, and closes it.
func (s *scanner) folder(file *os.File, relative string, depth int) error {
	defer file.Close()
	names, err := file.Readdirnames(-1)
	if err != nil {
		if err := s.visit(Entry{Path: relative, Info: Info{Folder: true}, Problem: plain(err)}); err != nil {
			return err
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.name(int(file.Fd()), name, path.Join(relative, name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) name(folder int, name, relative string, depth int) error {
	info, mode, err := statAt(folder, name)
	if isGone(err) {
		return nil
	}
	entry := Entry{Path: relative, Info: info, Problem: err}
	if err == nil {
		entry.Rule = ruleOf(name, mode)
	}
	if !entry.Folder || entry.Rule != "" {
		return s.visit(entry)
	}
	return s.descend(folder, name, entry, depth+1)
}

// descend goes into a folder by its name in the open one above: a folder that
// has become a symbolic link since is not followed.
func (s *scanner) descend(above int, name string, entry Entry, depth int) error {
	if depth > maxDepth {
		entry.Problem = errTooDeep
		return s.visit(entry)
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(above, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if isGone(err) {
		return nil
	}
	if err != nil {
		entry.Problem = err
		return s.visit(entry)
	}
	return s.folder(os.NewFile(uintptr(fd), entry.Path), entry.Path, depth)
}

// plain takes the path off an error: the entry has it.
func plain(err error) error {
	var withPath *os.PathError
	if errors.As(err, &withPath) {
		return withPath.Err
	}
	return err
}
