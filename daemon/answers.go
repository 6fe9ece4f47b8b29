package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/query"
	"vsed/daemon/search"
	"vsed/daemon/server"
	"vsed/daemon/thumbnail"
	"vsed/plugins/host"
)

var (
	_ server.Searcher = (*daemon)(nil)
	_ server.Library  = (*daemon)(nil)
)

func refuse(status int, format string, arguments ...any) *api.Error {
	return &api.Error{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, arguments...)}
}

// Search answers one page of a query.
func (d *daemon) Search(ctx context.Context, asked api.SearchRequest) (api.SearchResult, error) {
	result, err := d.engine.Search(ctx, search.Request{
		Text: asked.Query, Limit: asked.Limit, Place: asked.Cursor, Typing: asked.Typing, Explain: asked.Explain,
	})
	var wrong *query.Error
	var unlike *search.LikeError
	switch {
	case errors.Is(err, search.ErrEmptyQuery) || errors.Is(err, search.ErrBadCursor):
		return api.SearchResult{}, refuse(http.StatusBadRequest, "%v", err)
	case errors.As(err, &wrong):
		return api.SearchResult{}, refuse(http.StatusUnprocessableEntity, "the query is wrong %v", err)
	case errors.As(err, &unlike):
		return api.SearchResult{}, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	if err != nil {
		return api.SearchResult{}, err
	}
	answer := api.SearchResult{Hits: make([]api.Hit, len(result.Hits)), Next: result.Next, GoodMatch: result.GoodMatch, Partial: result.Partial}
	for i, hit := range result.Hits {
		answer.Hits[i] = explained(hit, asked.Explain)
	}
	if e := result.Explanation; e != nil {
		answer.Explanation = &api.Explanation{Parsed: e.Parsed, Rows: e.Rows, Rescored: e.Rescored}
		for _, step := range e.Steps {
			answer.Explanation.Steps = append(answer.Explanation.Steps, api.Step{Name: step.Name, Milliseconds: float64(step.Took.Microseconds()) / 1000})
		}
	}
	return answer, nil
}

// explained is a hit with what of the query it has, and, if so wanted, how it came
// to its place.
func explained(hit search.Hit, wanted bool) api.Hit {
	answer := api.Hit{Photo: photo(hit.Photo), Score: hit.Score, Similar: hit.Similar, Ranked: hit.Reason.Ranked}
	for _, match := range hit.Reason.Matches {
		answer.Matches = append(answer.Matches, api.Match{Word: match.Word, Field: match.Field, Texts: match.Texts})
	}
	if wanted {
		answer.Reason = &api.Reason{
			Cosine: hit.Reason.Cosine, VectorRank: hit.Reason.VectorRank, WordRank: hit.Reason.WordRank, Filters: hit.Reason.Filters,
		}
	}
	return answer
}

// Photo describes one photo.
func (d *daemon) Photo(ctx context.Context, id int64) (api.Photo, error) {
	found, err := d.find(ctx, id)
	if err != nil {
		return api.Photo{}, err
	}
	answer := described(found, d.places)
	if space := d.catalogue.Serving(); space != nil {
		learned, err := space.Learned(ctx, id)
		if err != nil {
			return api.Photo{}, err
		}
		for _, one := range learned {
			answer.Learned = append(answer.Learned, learnedTag(one))
		}
	}
	return answer, nil
}

func (d *daemon) find(ctx context.Context, id int64) (catalogue.Photo, error) {
	found, err := d.catalogue.Photo(ctx, id)
	return found, known(err, "there is no photo with the number %d: `vsectl search` shows the numbers", id)
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
	path = filepath.Clean(path)
	found, err := d.catalogue.PhotosAt(ctx, path)
	if err == nil && len(found) == 0 {
		if other, linked := d.asWatched(ctx, path); linked {
			found, err = d.catalogue.PhotosAt(ctx, other)
		}
	}
	if err != nil {
		return nil, err
	}
	photos := make([]api.Photo, len(found))
	for i := range found {
		photos[i] = photo(found[i])
	}
	return photos, nil
}

// photo converts; the path shown first is one that can be opened, if any can. Files
// that are missing are left out, unless all are.
func photo(p catalogue.Photo) api.Photo {
	files, missing := there(p.Files)
	if len(files) == 0 {
		files = missing
	}
	answer := api.Photo{ID: p.ID, Path: api.NewPath(p.LastPath), State: state(p), Tags: tags(p), Paths: filePaths(files)}
	if len(answer.Paths) > 0 {
		answer.Path = answer.Paths[0]
	}
	return answer
}

// there parts the files that are there, or in a folder that is away, from those that
// are missing.
func there(all []catalogue.File) (files, missing []catalogue.File) {
	for _, file := range all {
		if file.Missing {
			missing = append(missing, file)
		} else {
			files = append(files, file)
		}
	}
	return files, missing
}

func filePaths(files []catalogue.File) []api.Path {
	answer := make([]api.Path, len(files))
	for i, file := range files {
		answer[i] = api.NewPath(file.Path)
	}
	return answer
}

func state(p catalogue.Photo) string {
	files, _ := there(p.Files)
	switch {
	case len(files) == 0:
		return api.StateMissing
	case files[0].Rejected:
		return api.StateQuarantined
	case files[0].Offline:
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
