package daemon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/daemon/watch"
)

// Folders lists the watched folders.
func (d *daemon) Folders(ctx context.Context) ([]api.Folder, error) {
	known, err := d.catalogue.Folders(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := d.catalogue.Count(ctx)
	if err != nil {
		return nil, err
	}
	answer := make([]api.Folder, len(known))
	for i, folder := range known {
		report := d.keeper.Report(folder.ID)
		answer[i] = api.Folder{
			Path: api.NewPath(folder.Path), State: folderState(folder, report), Problem: folder.Problem,
			Mode: report.Mode, LagSeconds: report.Lag.Seconds(), Filesystem: report.Filesystem,
			Counts: count(counts[folder.ID]), IgnoredRules: counts[folder.ID].IgnoredBy,
		}
		if !folder.LastScan.IsZero() {
			answer[i].LastScan = folder.LastScan.UTC().Format(time.RFC3339)
		}
	}
	return answer, nil
}

// folderState is the catalogue's word, by which files are counted, except that
// a folder may hang.
func folderState(folder catalogue.Folder, report folders.Report) string {
	switch {
	case report.State == folders.NotAnswering:
		return api.FolderNotAnswering
	case folder.Offline:
		return api.FolderOffline
	}
	return api.FolderOnline
}

func count(c catalogue.Counts) api.Counts {
	return api.Counts{
		Total:   c.Encoded + c.Waiting + c.Quarantined + c.Offline,
		Encoded: c.Encoded, Waiting: c.Waiting, Quarantined: c.Quarantined, Offline: c.Offline, Missing: c.Missing, Ignored: c.Ignored,
		OfflineEncoded: c.OfflineEncoded,
	}
}

// AddFolder watches one more folder, which must be there and readable.
func (d *daemon) AddFolder(ctx context.Context, path string) (api.Folder, error) {
	if !filepath.IsAbs(path) {
		return api.Folder{}, refuse(http.StatusBadRequest, "the folder %q is not an absolute path: begin with /", path)
	}
	if err := readable(ctx, path); err != nil {
		return api.Folder{}, refuse(http.StatusBadRequest, "%v: add a folder that vsed may read", err)
	}
	if err := apart(ctx, d.Config.State, path); err != nil {
		return api.Folder{}, refuse(http.StatusConflict, "%v", err)
	}
	path, err := d.apartFromOthers(ctx, path)
	if err != nil {
		return api.Folder{}, err
	}
	added, err := d.catalogue.AddFolder(ctx, path)
	var nested *catalogue.NestedError
	if errors.As(err, &nested) {
		return api.Folder{}, refuse(http.StatusConflict, "%v", nested)
	}
	if err != nil {
		return api.Folder{}, err
	}
	all, err := d.Folders(ctx)
	if err != nil {
		return api.Folder{}, err
	}
	at := slices.IndexFunc(all, func(folder api.Folder) bool { return folder.Path == api.NewPath(added.Path) })
	if at < 0 {
		return api.Folder{}, refuse(http.StatusConflict, "the folder %q was removed at the same moment: add it again", path)
	}
	return all[at], nil
}

// readable says why a folder cannot be listed, also that its filesystem hangs.
func readable(ctx context.Context, path string) error {
	if _, err := watch.NewRoot(path, 0).Identity(ctx); err != nil {
		return err
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if _, err := folder.Readdirnames(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// RemoveFolder stops watching a folder and forgets its files, not their tags.
func (d *daemon) RemoveFolder(ctx context.Context, path string) error {
	err := d.catalogue.RemoveFolder(ctx, path)
	if direct, linked := resolve(ctx, path); linked && errors.Is(err, catalogue.ErrNotFound) {
		err = d.catalogue.RemoveFolder(ctx, direct)
	}
	return known(err, "the folder %q is not watched: `vsectl folder list` shows those that are", path)
}
