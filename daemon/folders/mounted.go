package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// knownPage is how many paths are asked of the catalogue at once.
const knownPage = 500

// errNotMounted says that something else lies where the folder was.
var errNotMounted = fmt.Errorf("is not mounted: %w", fs.ErrNotExist)

// mounted gives the identity of the root, or says that what lies there is not
// the folder that was scanned: it is on another filesystem, or another folder,
// and has none of the files that are known. An empty folder is none of ours
// either while files are known: that is how the place looks where a disk is not
// mounted.
func (f *follower) mounted(ctx context.Context) (watch.Identity, error) {
	identity, err := f.root.Identity(ctx)
	if err != nil {
		return identity, err
	}
	kept, err := f.catalogue.FolderIdentity(ctx, f.folder.ID)
	if err != nil {
		return identity, err
	}
	if kept == nil || string(kept) == identity.String() {
		return identity, nil
	}
	lacks, err := f.lacksAll(ctx)
	if err != nil {
		return identity, err
	}
	if lacks {
		return identity, fmt.Errorf("%s %w (another filesystem is there; if the photos were deleted on purpose, remove the folder and add it again)", f.folder.Path, errNotMounted)
	}
	// The same files on another mount.
	return identity, f.catalogue.SetFolderIdentity(ctx, f.folder.ID, []byte(identity.String()))
}

// lacksAll reports whether files are known of which none is there.
func (f *follower) lacksAll(ctx context.Context) (bool, error) {
	for after := ""; ; {
		paths, err := f.catalogue.PresentPaths(ctx, f.folder.ID, after, knownPage)
		if err != nil {
			return false, err
		}
		for _, path := range paths {
			_, err := f.root.Look(ctx, path)
			if err == nil {
				return false, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
			after = path
		}
		if len(paths) < knownPage {
			return after != "", nil
		}
	}
}

// unlikelyEmpty says that a root in which a scan found no name at all is not the
// folder, where files of it are known.
func (f *follower) unlikelyEmpty(ctx context.Context) error {
	paths, err := f.catalogue.PresentPaths(ctx, f.folder.ID, "", 1)
	if err != nil || len(paths) == 0 {
		return err
	}
	return fmt.Errorf("%s %w (it is empty; if the photos were deleted on purpose, remove the folder and add it again)", f.folder.Path, errNotMounted)
}

// gone reports whether nothing is at a path although the root is the one that
// was scanned.
func gone(ctx context.Context, known *catalogue.Catalogue, folder int64, root *watch.Root, relative string) (bool, error) {
	_, err := root.Look(ctx, relative)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	// After the look: what it looked at was mounted then.
	return true, sameRoot(ctx, known, folder, root)
}

// sameRoot says why the root is not, now, what was scanned last.
func sameRoot(ctx context.Context, known *catalogue.Catalogue, folder int64, root *watch.Root) error {
	identity, err := root.Identity(ctx)
	if err != nil {
		return err
	}
	kept, err := known.FolderIdentity(ctx, folder)
	if err == nil && kept != nil && string(kept) != identity.String() {
		err = fmt.Errorf("%s %w", root.Path(), errNotMounted)
	}
	return err
}
