package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"vsed/daemon/ignore"
)

const (
	// maxDepth is how many folders deep a scan goes; each level keeps one
	// descriptor. A deeper folder is an entry with a problem.
	maxDepth = 256
	// namesAtOnce is how many names of a folder are read in what counts as one
	// call, and entriesAtOnce how many entries are handed over together.
	namesAtOnce   = 1024
	entriesAtOnce = 256
)

var errTooDeep = fmt.Errorf("lies more than %d folders deep; move it up", maxDepth)

// Scan visits every file below the root: depth first, the names of each folder
// in the order of their bytes. Folders are visited only where they are not gone
// into: ignored by a rule, or not readable, which ends nothing else. A name that
// vanishes during the scan is left out. The walk is up to a few hundred entries
// ahead of visit.
//
// Scan returns an error only where the root cannot be opened (fs.ErrNotExist
// when there is none) or does not answer, ctx ended, or visit returned an error:
// then what was visited is not the whole.
func (r *Root) Scan(ctx context.Context, visit func(Entry) error) error {
	return r.ScanFolder(ctx, ".", visit)
}

// ScanFolder is Scan of one folder below the root that no rule ignores; "." is
// the root itself. Paths are still relative to the root.
func (r *Root) ScanFolder(ctx context.Context, relative string, visit func(Entry) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []Entry)
	t, err := r.start(ctx, func(p *pulse) error {
		s := scanner{ctx: ctx, pulse: p, batches: batches}
		if err := s.scan(r.path, relative); err != nil {
			return err
		}
		return s.flush()
	})
	if err != nil {
		return err
	}
	return r.wait(ctx, t, batches, visit)
}

type scanner struct {
	ctx     context.Context
	pulse   *pulse
	batches chan<- []Entry
	batch   []Entry
}

func (s *scanner) scan(root, relative string) error {
	s.pulse.begin()
	file, rules, err := openToScan(root, relative)
	s.pulse.end()
	if err != nil {
		return err
	}
	return s.folder(file, relative, rules, 0)
}

// openToScan gives the folder with the patterns that hold above it.
func openToScan(root, relative string) (*os.File, *ignore.Rules, error) {
	if err := checkLocal(root, relative); err != nil {
		return nil, nil, err
	}
	above, rules, _, err := goDown(root, path.Dir(relative))
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(above)
	if relative == "." {
		rules = nil // they are read again with the folder
	}
	fd, err := openName(above, path.Base(relative), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, nil, fmt.Errorf("folder %s: %w", path.Join(root, relative), linkError(err))
	}
	return os.NewFile(uintptr(fd), relative), rules, nil
}

func (s *scanner) visit(entry Entry) error {
	if s.batch == nil {
		s.batch = make([]Entry, 0, entriesAtOnce)
	}
	if s.batch = append(s.batch, entry); len(s.batch) < entriesAtOnce {
		return nil
	}
	return s.flush()
}

func (s *scanner) flush() error {
	batch := s.batch
	s.batch = nil
	if len(batch) == 0 {
		return nil
	}
	select {
	case s.batches <- batch:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// folder visits what lies in an open folder, and closes it.
func (s *scanner) folder(file *os.File, relative string, rules *ignore.Rules, depth int) error {
	defer file.Close()
	names, problem := s.names(file)
	if _, found := slices.BinarySearch(names, ignore.FileName); found && problem == nil {
		s.pulse.begin()
		rules, problem = rulesIn(int(file.Fd()), relative, rules)
		s.pulse.end()
		if problem != nil {
			names = nil
		}
	}
	if problem != nil {
		if err := s.visit(Entry{Path: relative, Info: Info{Folder: true}, Problem: problem}); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.name(int(file.Fd()), name, join(relative, name), rules, depth); err != nil {
			return err
		}
	}
	return nil
}

// join is path.Join of what needs no cleaning.
func join(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}

// names gives the names in a folder, in order; those before a failure, too.
func (s *scanner) names(file *os.File) (names []string, problem error) {
	for s.ctx.Err() == nil {
		s.pulse.begin()
		some, err := file.Readdirnames(namesAtOnce)
		s.pulse.end()
		names = append(names, some...)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				problem = plain(err)
			}
			break
		}
	}
	slices.Sort(names)
	return names, problem
}

func (s *scanner) name(folder int, name, relative string, rules *ignore.Rules, depth int) error {
	s.pulse.begin()
	info, mode, err := statAt(folder, name)
	s.pulse.end()
	if isGone(err) {
		return nil
	}
	entry := Entry{Path: relative, Info: info, Problem: err}
	if err == nil {
		entry.classify(rules, mode)
	}
	if !entry.Folder || entry.Rule != "" {
		return s.visit(entry)
	}
	return s.descend(folder, name, entry, rules, depth+1)
}

// descend goes into a folder by its name in the open one above: a folder that
// has become a symbolic link since is not followed.
func (s *scanner) descend(above int, name string, entry Entry, rules *ignore.Rules, depth int) error {
	if depth > maxDepth {
		entry.Problem = errTooDeep
		return s.visit(entry)
	}
	s.pulse.begin()
	fd, err := openName(above, name, unix.O_RDONLY|unix.O_DIRECTORY)
	s.pulse.end()
	if isGone(err) {
		return nil
	}
	if err != nil {
		entry.Problem = err
		return s.visit(entry)
	}
	return s.folder(os.NewFile(uintptr(fd), entry.Path), entry.Path, rules, depth)
}

// plain takes the path off an error: the entry has it.
func plain(err error) error {
	var withPath *os.PathError
	if errors.As(err, &withPath) {
		return withPath.Err
	}
	return err
}
