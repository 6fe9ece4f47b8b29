package watch

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"vsed/daemon/ignore"
)

// A tree keeps a watch on each folder below a root: the system watches single
// folders only. Its owner is one goroutine.
type tree struct {
	root    string
	notify  *fsnotify.Watcher
	limit   *atomic.Int64
	tell    func(happening)
	folders map[string]struct{}
	// missing counts the folders for which the system had no watch left, and lacking
	// is one of them.
	missing int
	lacking string
	// rules says that a .vsedignore changed: folders may have to be watched that
	// were not, and the other way round.
	rules bool
}

func newTree(root string, notify *fsnotify.Watcher, limit *atomic.Int64, tell func(happening)) *tree {
	return &tree{root: root, notify: notify, limit: limit, tell: tell, folders: map[string]struct{}{}}
}

// begin watches everything below the root and tells of nothing.
func (t *tree) begin(p *pulse) error {
	fd, err := openRoot(t.root)
	if err != nil {
		return err
	}
	unix.Close(fd)
	t.add(p, ".", nil, nil)
	return nil
}

// handle brings the watches up to date with one event and tells of it.
func (t *tree) handle(p *pulse, event fsnotify.Event) {
	relative, below := strings.CutPrefix(event.Name, t.root+"/")
	if !below {
		return
	}
	if path.Base(relative) == ignore.FileName {
		t.rules = true
	}
	if event.Has(fsnotify.Remove | fsnotify.Rename) {
		t.forget(relative)
		t.tell(happening{path: relative})
		return
	}
	p.begin()
	entry, err := look(t.root, relative)
	p.end()
	switch {
	case isGone(err):
		t.tell(happening{path: relative})
	case err != nil:
		t.tell(happening{lost: "a folder could not be read"})
	case !entry.Folder:
		t.tell(happening{path: relative})
	case entry.Rule == "":
		t.come(p, relative)
	}
}

// come watches a folder that is new, and tells of the files in it.
func (t *tree) come(p *pulse, relative string) {
	p.begin()
	above, rules, ignoredBy, err := goDown(t.root, path.Dir(relative))
	p.end()
	if err != nil {
		return // it is gone already: there will be an event
	}
	unix.Close(above)
	if ignoredBy == "" {
		t.add(p, relative, rules, func(file string) { t.tell(happening{path: file}) })
	}
}

// add watches a folder and those below it. It watches first and then reads, so
// that what comes in between is seen twice rather than never; found gets every
// file that is not a folder. A folder that cannot be read is not watched: the
// scan tells why.
func (t *tree) add(p *pulse, relative string, rules *ignore.Rules, found func(file string)) {
	if strings.Count(relative, "/") >= maxDepth {
		return
	}
	p.begin()
	err := t.watch(relative)
	p.end()
	if errors.Is(err, errLimit) {
		t.missing++ // and go on, to count them
		t.lacking = relative
	} else if err != nil {
		return
	}
	p.begin()
	names, rules, err := t.list(relative, rules)
	p.end()
	if err != nil {
		t.forget(relative)
		return
	}
	for _, one := range names {
		child := join(relative, one.name)
		if one.folder {
			t.add(p, child, rules, found)
		} else if found != nil {
			found(child)
		}
	}
}

func (t *tree) watch(relative string) error {
	if limit := t.limit.Load(); limit > 0 && len(t.folders) >= int(limit) {
		return errLimit
	}
	err := t.notify.Add(path.Join(t.root, relative))
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM) {
		return errLimit
	}
	if err == nil {
		t.folders[relative] = struct{}{}
	}
	return err
}

// hasRoom reports whether the system has a watch for the folder that it had none
// for; also where that folder is gone, and it may be another that has none.
func (t *tree) hasRoom() bool { return !errors.Is(t.watch(t.lacking), errLimit) }

// forget drops the watches of a folder and of all below it. It has to be done
// before a moved folder is added under its new name: the system would take the
// old watch for it, with the old name.
func (t *tree) forget(relative string) {
	if _, watched := t.folders[relative]; !watched && t.missing == 0 {
		return
	}
	for folder := range t.folders {
		if folder == relative || strings.HasPrefix(folder, relative+"/") {
			// It fails where the system dropped the watch with its folder.
			_ = t.notify.Remove(path.Join(t.root, folder))
			delete(t.folders, folder)
		}
	}
}

type listed struct {
	name   string
	folder bool
}

// list reads the names in a folder, without those of folders that a rule
// ignores, and gives the patterns that hold in it.
func (t *tree) list(relative string, rules *ignore.Rules) ([]listed, *ignore.Rules, error) {
	root, err := openRoot(t.root)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(root)
	fd, err := openBeneath(root, relative, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, nil, err
	}
	// By this name ReadDir finds what filesystems do not say in the folder itself.
	folder := os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd))
	defer folder.Close()
	// Rules that cannot be read keep a scan out, and need a watch that sees them mended.
	if rules, err = rulesIn(fd, relative, rules); err != nil {
		return nil, nil, nil
	}
	entries, err := folder.ReadDir(-1)
	list := make([]listed, 0, len(entries))
	for _, entry := range entries {
		one := Entry{Path: join(relative, entry.Name()), Info: Info{Folder: entry.IsDir()}}
		if one.Folder {
			one.classify(rules, unix.S_IFDIR)
		}
		if one.Rule == "" {
			list = append(list, listed{entry.Name(), one.Folder})
		}
	}
	return list, rules, err
}
