package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/daemon/search"
	"vsed/daemon/server"
	"vsed/daemon/thumbnail"
	"vsed/daemon/watch"
	"vsed/plugins/host"
)

var (
	_ server.Searcher = (*daemon)(nil)
	_ server.Library  = (*daemon)(nil)
)

// quarantineShown is how many of the files set aside the status names.
const quarantineShown = 100

func refuse(status int, format string, arguments ...any) *api.Error {
	return &api.Error{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, arguments...)}
}

// Search answers one page of a query.
func (d *daemon) Search(ctx context.Context, query string, limit int, cursor string) (api.SearchResult, error) {
	result, err := d.engine.Search(ctx, query, limit, cursor)
	if errors.Is(err, search.ErrEmptyQuery) || errors.Is(err, search.ErrBadCursor) {
		return api.SearchResult{}, refuse(http.StatusBadRequest, "%v", err)
	}
	if err != nil {
		return api.SearchResult{}, err
	}
	answer := api.SearchResult{Hits: make([]api.Hit, len(result.Hits)), Next: result.Next, GoodMatch: result.GoodMatch, Partial: result.Partial}
	for i, hit := range result.Hits {
		answer.Hits[i] = api.Hit{Photo: photo(hit.Photo), Score: hit.Score}
	}
	return answer, nil
}

// Photo describes one photo.
func (d *daemon) Photo(ctx context.Context, id int64) (api.Photo, error) {
	found, err := d.find(ctx, id)
	if err != nil {
		return api.Photo{}, err
	}
	return described(found), nil
}

func (d *daemon) find(ctx context.Context, id int64) (catalogue.Photo, error) {
	found, err := d.catalogue.Photo(ctx, id)
	return found, known(err, "there is no photo with the id %d", id)
}

// known turns "not found" into an answer for the client.
func known(err error, format string, arguments ...any) error {
	if errors.Is(err, catalogue.ErrNotFound) {
		return refuse(http.StatusNotFound, format, arguments...)
	}
	return err
}

// PhotosByPath describes the photos of the file at an absolute path.
func (d *daemon) PhotosByPath(ctx context.Context, path string) ([]api.Photo, error) {
	found, err := d.catalogue.PhotosAt(ctx, filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	photos := make([]api.Photo, len(found))
	for i := range found {
		photos[i] = photo(found[i])
	}
	return photos, nil
}

// photo converts; the path shown first is one that can be opened, if any can.
func photo(p catalogue.Photo) api.Photo {
	answer := api.Photo{ID: p.ID, State: state(p), Tags: tags(p), Paths: make([]api.Path, len(p.Files))}
	for i, file := range p.Files {
		answer.Paths[i] = api.NewPath(file.Path)
	}
	if len(answer.Paths) > 0 {
		answer.Path = answer.Paths[0]
	}
	return answer
}

func state(p catalogue.Photo) string {
	switch {
	case len(p.Files) == 0 || p.Files[0].Missing:
		return api.StateMissing
	case p.Files[0].Rejected:
		return api.StateQuarantined
	case p.Files[0].Offline:
		return api.StateOffline
	case !p.Encoded:
		return api.StateWaiting
	}
	return api.StateEncoded
}

func tags(p catalogue.Photo) []api.Tag {
	answer := make([]api.Tag, len(p.Tags))
	for i, tag := range p.Tags {
		answer[i] = api.Tag{Name: tag.Name, Source: tag.Source}
	}
	return answer
}

// Tags lists the tags of a photo.
func (d *daemon) Tags(ctx context.Context, id int64) ([]api.Tag, error) {
	found, err := d.find(ctx, id)
	return tags(found), err
}

// AddTags puts the user's tags on a photo and lists all it has then.
func (d *daemon) AddTags(ctx context.Context, id int64, names []string) ([]api.Tag, error) {
	return d.changeTags(ctx, id, names, d.catalogue.AddTags)
}

// RemoveTags takes the user's tags off a photo and lists what it has then.
func (d *daemon) RemoveTags(ctx context.Context, id int64, names []string) ([]api.Tag, error) {
	return d.changeTags(ctx, id, names, d.catalogue.RemoveTags)
}

func (d *daemon) changeTags(ctx context.Context, id int64, names []string, change func(context.Context, int64, []string) error) ([]api.Tag, error) {
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = strings.Join(strings.Fields(name), " ")
	}
	if err := known(change(ctx, id, clean), "there is no photo with the id %d", id); err != nil {
		return nil, err
	}
	return d.Tags(ctx, id)
}

// Thumbnail gives the small picture of a photo as WebP.
func (d *daemon) Thumbnail(ctx context.Context, id int64) ([]byte, error) {
	found, err := d.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if d.thumbnails == nil {
		return nil, refuse(http.StatusNotFound, "no thumbnails are kept: set `ingest.thumbnails = true`")
	}
	webp, err := d.thumbnails.Read(found.Digest)
	if errors.Is(err, fs.ErrNotExist) {
		return d.makeThumbnail(ctx, found)
	}
	return webp, err
}

// makeThumbnail decodes a photo whose thumbnail was deleted.
func (d *daemon) makeThumbnail(ctx context.Context, found catalogue.Photo) ([]byte, error) {
	if !found.Visible() || found.Files[0].Offline {
		return nil, refuse(http.StatusNotFound, "photo %d has no thumbnail, and no file of it can be read now", found.ID)
	}
	file := found.Files[0]
	photo, _, err := d.keeper.OpenPhoto(ctx, file.FolderID, file.Folder, strings.TrimPrefix(file.Path, file.Folder+"/"))
	if err != nil {
		return nil, err
	}
	defer photo.Close()
	decoded, err := d.encoding.onDemand.Decode(ctx, photo, host.DecodeRequest{Name: filepath.Base(file.Path), ThumbnailSide: thumbnail.Side})
	if err != nil {
		return nil, err
	}
	return decoded.Thumbnail, d.thumbnails.Write(found.Digest, decoded.Thumbnail)
}

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
		Total:   c.Encoded + c.Waiting + c.Quarantined + c.Offline + c.Missing,
		Encoded: c.Encoded, Waiting: c.Waiting, Quarantined: c.Quarantined, Offline: c.Offline, Missing: c.Missing, Ignored: c.Ignored,
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
	if err := d.apartFromState(path); err != nil {
		return api.Folder{}, refuse(http.StatusConflict, "%v", err)
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

// apartFromState refuses a folder that holds the state folder or lies in it:
// the daemon would index its own thumbnails.
func (d *daemon) apartFromState(path string) error {
	folder, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // it is not there now; its problem is told as the folder's
	}
	state, err := filepath.EvalSymlinks(d.Config.State)
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{folder, state}, {state, folder}} {
		if relative, err := filepath.Rel(pair[0], pair[1]); err == nil && filepath.IsLocal(relative) {
			return fmt.Errorf("the folder %s and the state folder %s lie in each other: choose another --state", path, d.Config.State)
		}
	}
	return nil
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
	return known(d.catalogue.RemoveFolder(ctx, path), "the folder %q is not watched: `vsectl folder list` shows those that are", path)
}

// Status accounts for every file.
func (d *daemon) Status(ctx context.Context) (api.Status, error) {
	watched, err := d.Folders(ctx)
	if err != nil {
		return api.Status{}, err
	}
	status := api.Status{Version: d.Version, Folders: watched, Encoder: d.encoding.status(), Decoder: d.encoding.decoderStatus()}
	if status.Change, err = d.catalogue.Change(ctx); err != nil {
		return api.Status{}, err
	}
	set, err := d.catalogue.NewestQuarantined(ctx, quarantineShown)
	if err != nil {
		return api.Status{}, err
	}
	status.Quarantined = quarantined(set)
	scanned := true
	for _, folder := range watched {
		status.Photos.Add(folder.Counts)
		scanned = scanned && (folder.State != api.FolderOnline || folder.LastScan != "")
	}
	status.Problem = d.keeper.Problem()
	pipeline := d.encoding.pipeline.Load()
	if pipeline == nil {
		return status, nil
	}
	status.Rate, status.Problem = pipeline.Rate(), cmp.Or(pipeline.Problem(), status.Problem)
	// In this order: what was counted as encoded has been announced to the
	// indexes once the pipeline is idle.
	idle := pipeline.Idle()
	caughtUp, err := d.engine.CaughtUp(ctx)
	status.Ready = scanned && status.Photos.Waiting == 0 && idle && caughtUp
	return status, err
}

func (e *encoding) status() api.Encoder {
	answer := api.Encoder{Problem: e.host.Problem()}
	if problem := e.problem.Load(); problem != nil {
		answer.Problem = *problem
	}
	if about := e.about.Load(); about != nil {
		answer.Space, answer.Name, answer.Provider = about.Space, about.Name, about.Provider
	}
	return answer
}

func (e *encoding) decoderStatus() api.Decoder {
	var answer api.Decoder
	if pipeline := e.pipeline.Load(); pipeline != nil {
		answer.Problem = pipeline.DecoderProblem()
	}
	if about := e.decoding.Load(); about != nil {
		answer.Name, answer.Sandbox = about.Name, about.Sandbox
	}
	return answer
}

// Events waits for events after the change number and gives at most limit.
func (d *daemon) Events(ctx context.Context, after int64, limit int) ([]api.Event, error) {
	for {
		changed := d.catalogue.Wait()
		events, err := d.catalogue.Events(ctx, after, limit)
		if err != nil || len(events) > 0 {
			return apiEvents(events), err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func apiEvents(events []catalogue.Event) []api.Event {
	answer := make([]api.Event, len(events))
	for i, event := range events {
		answer[i] = api.Event{Change: event.Change, Kind: event.Kind, Photo: event.Photo}
		if event.Path != "" {
			path := api.NewPath(event.Path)
			answer[i].Path = &path
		}
	}
	return answer
}
