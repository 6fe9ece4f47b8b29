package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

const (
	// knownPage is how many paths are asked of the catalogue at once.
	knownPage = 100
	// maxProbes bounds the looks at known paths while a folder is not found to be
	// mounted: it is asked again every few seconds.
	maxProbes = 500
)

// errNotMounted says that something else lies where the folder was.
var errNotMounted = fmt.Errorf("is not mounted: %w", fs.ErrNotExist)

// mounted gives the identity of the root, or says that what lies there is not
// the folder whose files are known. It is where it has the identity that was
// seen last. Another one, or the first one that is seen, is believed only with
// one of the known files in it: the place where a disk is not mounted is empty,
// or holds what strayed there.
func (f *follower) mounted(ctx context.Context) (watch.Identity, error) {
	identity, err := f.root.Identity(ctx)
	if err != nil {
		return identity, err
	}
	kept, err := f.catalogue.FolderIdentity(ctx, f.folder.ID)
	if err != nil || string(kept) == identity.String() {
		return identity, err
	}
	lacks, err := f.lacks(ctx)
	if err != nil {
		return identity, err
	}
	if lacks {
		return identity, fmt.Errorf("%s %w (none of its photos is there; if they were deleted on purpose, remove the folder and add it again)", f.folder.Path, errNotMounted)
	}
	return identity, f.catalogue.SetFolderIdentity(ctx, f.folder.ID, []byte(identity.String()))
}

// lacks reports whether files are known of which none was found. Each call looks
// for maxProbes of them at most, beginning where the one before ended, and for
// one only of those below a folder of the root that is not there.
func (f *follower) lacks(ctx context.Context) (bool, error) {
	known := false
	for probes := 0; probes < maxProbes; {
		paths, err := f.catalogue.PresentPaths(ctx, f.folder.ID, f.probed, knownPage)
		if err != nil {
			return false, err
		}
		if len(paths) == 0 {
			began := f.probed == ""
			f.probed = ""
			if known || began {
				return known, nil
			}
			continue // those at the beginning are left
		}
		known = true
		for _, path := range paths {
			if path <= f.probed {
				continue // below what is not there
			}
			found, err := f.probe(ctx, path)
			if err != nil {
				return false, err
			}
			if found {
				f.probed = ""
				return false, nil
			}
			probes++
		}
	}
	return true, nil
}

// probe reports whether a file is at a path, and moves f.probed past it, or past
// all that would be below the same folder of the root.
func (f *follower) probe(ctx context.Context, path string) (found bool, err error) {
	f.probed = path
	entry, err := f.root.Look(ctx, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil && entry.Regular, err
	}
	top, _, below := strings.Cut(path, "/")
	if !below {
		return false, nil
	}
	if _, err = f.root.Look(ctx, top); errors.Is(err, fs.ErrNotExist) {
		f.probed = top + "/\xff" // after every name of text
		return false, nil
	}
	return false, err
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
	if err := sameRoot(ctx, known, folder, root); err != nil {
		return false, err
	}
	away, err := diskAway(ctx, known, folder, root, relative)
	if away {
		err = fmt.Errorf("the disk of %s below %s %w", relative, root.Path(), errNotMounted)
	}
	return err == nil, err
}

// diskAway reports whether what is known at a path where nothing is, or below it,
// lay on another device than the folder that it would be in: on a disk that is
// not mounted below the root now. It is for a scan to judge then.
func diskAway(ctx context.Context, known *catalogue.Catalogue, folder int64, root *watch.Root, relative string) (bool, error) {
	for above := path.Dir(relative); ; above = path.Dir(above) {
		entry, err := root.Look(ctx, above)
		if err == nil {
			return known.OnOtherDevice(ctx, folder, relative, entry.Device)
		}
		if above == "." || !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
}

// sameRoot says why the root cannot be read, or is not known to be the folder
// whose files are known.
func sameRoot(ctx context.Context, known *catalogue.Catalogue, folder int64, root *watch.Root) error {
	identity, err := root.Identity(ctx)
	if err != nil {
		return err
	}
	kept, err := known.FolderIdentity(ctx, folder)
	if err == nil && string(kept) != identity.String() {
		err = fmt.Errorf("%s %w", root.Path(), errNotMounted)
	}
	return err
}
