package watch

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// A tree keeps a watch on each folder below a root: the system watches single
// folders only. Its owner is one goroutine.
type tree struct {
	root    string
	notify  *fsnotify.Watcher
	limit   int
	tell    func(happening)
	folders map[string]struct{}
}

func newTree(root string, notify *fsnotify.Watcher, limit int, tell func(happening)) *tree {
	return &tree{root: root, notify: notify, limit: limit, tell: tell, folders: map[string]struct{}{}}
}

// begin watches everything below the root and tells of nothing. It gives the
// root's identity.
func (t *tree) begin() (Info, error) {
	identity, err := rootIdentity(t.root)
	if err != nil {
		return Info{}, err
	}
	return identity, t.add(".", nil)
}

// handle brings the watches up to date with one event and tells of it.
func (t *tree) handle(event fsnotify.Event) error {
	relative, below := strings.CutPrefix(event.Name, t.root+"/")
	if !below {
		return nil
	}
	if event.Has(fsnotify.Remove | fsnotify.Rename) {
		t.forget(relative)
		t.tell(happening{path: relative})
		return nil
	}
	entry, err := Look(t.root, relative)
	switch {
	case isGone(err):
		t.tell(happening{path: relative})
	case err != nil:
		t.tell(happening{lost: "a folder could not be read"})
	case !entry.Folder:
		t.tell(happening{path: relative})
	case entry.Rule == "":
		return t.add(relative, func(file string) { t.tell(happening{path: file}) })
	}
	return nil
}

// add watches a folder and those below it. It watches first and then reads, so
// that what comes in between is seen twice rather than never; found gets every
// file that is not a folder. A folder that cannot be read is not watched: the
// scan tells why. errLimit says that the system allows no more watches.
func (t *tree) add(relative string, found func(file string)) error {
	if strings.Count(relative, "/") >= maxDepth {
		return nil
	}
	if err := t.watch(relative); err != nil {
		return ignoreAllBut(err, errLimit)
	}
	names, err := t.list(relative)
	if err != nil {
		t.forget(relative)
		return nil
	}
	for _, one := range names {
		child := path.Join(relative, one.name)
		if one.folder {
			if err := t.add(child, found); err != nil {
				return err
			}
		} else if found != nil {
			found(child)
		}
	}
	return nil
}

func ignoreAllBut(err, kept error) error {
	if errors.Is(err, kept) {
		return err
	}
	return nil
}

func (t *tree) watch(relative string) error {
	if t.limit > 0 && len(t.folders) >= t.limit {
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

// forget drops the watches of a folder and of all below it. It has to be done
// before a moved folder is added under its new name: the system would take the
// old watch for it, with the old name.
func (t *tree) forget(relative string) {
	if _, watched := t.folders[relative]; !watched {
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

// list reads the names in a folder, without those that a rule ignores if they
// are folders.
func (t *tree) list(relative string) ([]listed, error) {
	root, err := openRoot(t.root)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := openBeneath(root, relative, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	// By this name ReadDir finds what filesystems do not say in the folder itself.
	folder := os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd))
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	list := make([]listed, 0, len(entries))
	for _, entry := range entries {
		if isFolder := entry.IsDir(); !isFolder || ruleOfName(entry.Name()) == "" {
			list = append(list, listed{entry.Name(), isFolder})
		}
	}
	return list, err
}
