package daemon

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// One folder has many paths where symbolic links lead to it. The catalogue
// compares paths as text; what they lead to is compared here.

// resolvePatience bounds the wait for a filesystem that hangs: it is compared by
// its path as it is then.
const resolvePatience = 2 * time.Second

// resolve gives the path of a folder without symbolic links, and reports whether
// there were any. One that is not there or hangs keeps its path.
func resolve(ctx context.Context, path string) (direct string, linked bool) {
	return resolved(ctx, watch.NewRoot(path, resolvePatience))
}

func resolved(ctx context.Context, root *watch.Root) (direct string, linked bool) {
	path := filepath.Clean(root.Path())
	direct, err := root.Resolve(ctx)
	if err != nil || direct == path {
		return path, false
	}
	return direct, true
}

// below gives the way from a folder to a path in it or to itself, which is ".".
func below(folder, path string) (relative string, ok bool) {
	relative, err := filepath.Rel(folder, path)
	return relative, err == nil && filepath.IsLocal(relative)
}

// apartFromOthers gives the path by which a new folder is to be watched: the one
// without symbolic links, unless it is watched by the path as it is. It refuses
// a folder that shares files with one that is watched.
func (d *daemon) apartFromOthers(ctx context.Context, path string) (string, error) {
	watched, err := d.catalogue.Folders(ctx)
	if err != nil {
		return "", err
	}
	path = filepath.Clean(path)
	if slices.ContainsFunc(watched, func(folder catalogue.Folder) bool { return folder.Path == path }) {
		return path, nil
	}
	direct, _ := resolve(ctx, path)
	for _, other := range watched {
		if problem := shares(path, direct, other.Path, d.direct(ctx, other)); problem != nil {
			return "", refuse(http.StatusConflict, "%v", problem)
		}
	}
	return direct, nil
}

// direct is the path of a watched folder without symbolic links.
func (d *daemon) direct(ctx context.Context, folder catalogue.Folder) string {
	direct, _ := resolved(ctx, d.keeper.Root(folder.ID, folder.Path))
	return direct
}

// shares says that two folders have files in common, each told by the path that
// users know and the one without symbolic links.
func shares(path, direct, watched, watchedDirect string) error {
	way, inside := below(watchedDirect, direct)
	_, around := below(direct, watchedDirect)
	switch {
	case inside && way == ".":
		return fmt.Errorf("%s is the same folder as %s, which is watched already", path, watched)
	case inside:
		return fmt.Errorf("%s lies in %s, which is watched already", path, watched)
	case around:
		return fmt.Errorf("%s holds %s, which is watched already: remove that one first", path, watched)
	}
	return nil
}

// distinct gives those folders of the configuration that share no files with an
// earlier one, nor with one that was added by hand, and says what the others
// share.
func (d *daemon) distinct(ctx context.Context, paths []string) (kept []string, refused []error, err error) {
	watched, err := d.catalogue.Folders(ctx)
	if err != nil {
		return nil, nil, err
	}
	taken := make(map[string]string) // the path without symbolic links of each that is watched
	for _, folder := range watched {
		if !folder.Configured {
			taken[folder.Path] = d.direct(ctx, folder)
		}
	}
	for _, path := range paths {
		path = filepath.Clean(path)
		if _, again := taken[path]; again {
			kept = append(kept, path)
			continue
		}
		direct, _ := resolve(ctx, path)
		if problem := sharesAny(path, direct, taken); problem != nil {
			refused = append(refused, problem)
			continue
		}
		taken[path] = direct
		kept = append(kept, path)
	}
	return kept, refused, nil
}

func sharesAny(path, direct string, taken map[string]string) error {
	for other, otherDirect := range taken {
		if err := shares(path, direct, other, otherDirect); err != nil {
			return err
		}
	}
	return nil
}

// asWatched gives the path by which the catalogue knows a file that is named by
// another way to its folder.
func (d *daemon) asWatched(ctx context.Context, path string) (string, bool) {
	watched, err := d.catalogue.Folders(ctx)
	if err != nil {
		return "", false
	}
	for _, folder := range watched {
		direct := d.direct(ctx, folder)
		if way, inside := below(direct, path); inside && direct != folder.Path {
			return filepath.Join(folder.Path, way), true
		}
	}
	return "", false
}
