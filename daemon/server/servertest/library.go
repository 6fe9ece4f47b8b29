// Package servertest holds a small library in memory, for tests of the server
// and of its clients. It keeps the rules of server.Library and has no file,
// encoder or index behind it.
package servertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"vsed/daemon/api"
)

// A Library is a server.Library and a server.Searcher in memory. Its fields are
// set before it is served; Set changes the status afterwards.
type Library struct {
	Photos []api.Photo
	// Answer is given for every search; Queries notes what was asked.
	Answer  api.SearchResult
	Queries []string
	// Quarantined are the files set aside, in the order of their numbers; Retried
	// notes which were tried again.
	Quarantined []api.QuarantinedFile
	Retried     []int64
	Shelf       Encoders
	School      Learning
	// Failure, where set, is the error of every method.
	Failure error

	mutex   sync.Mutex
	status  api.Status
	events  []api.Event
	arrived chan struct{}
}

// New makes a library that holds photos.
func New(photos ...api.Photo) *Library {
	return &Library{Photos: photos, arrived: make(chan struct{})}
}

// Set makes status the answer from now on.
func (l *Library) Set(status api.Status) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.status = status
}

// Emit appends an event with the next change number.
func (l *Library) Emit(kind string, photo int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.emit(kind, photo)
}

func (l *Library) emit(kind string, photo int64) {
	l.status.Change++
	l.events = append(l.events, api.Event{Change: l.status.Change, Kind: kind, Photo: photo})
	close(l.arrived)
	l.arrived = make(chan struct{})
}

// Search implements server.Searcher: it finds what Answer says, cut to limit.
func (l *Library) Search(_ context.Context, asked api.SearchRequest) (api.SearchResult, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.Queries = append(l.Queries, asked.Query)
	if asked.Cursor == "damaged" {
		return api.SearchResult{}, api.NewError(http.StatusUnprocessableEntity, "the cursor is damaged: search again without it")
	}
	result := l.Answer
	result.Hits = result.Hits[:min(asked.Limit, len(result.Hits))]
	return result, l.Failure
}

// Picture implements server.Library: it takes what begins as a JPEG does.
func (l *Library) Picture(_ context.Context, content io.Reader) (api.Picture, error) {
	bytes, err := io.ReadAll(content)
	switch {
	case err != nil:
		return api.Picture{}, err
	case !strings.HasPrefix(string(bytes), "\xff\xd8"):
		return api.Picture{}, api.NewError(http.StatusUnprocessableEntity, "the picture cannot be read: it is none")
	}
	return api.Picture{Like: fmt.Sprintf("sha256:%x", sha256.Sum256(bytes))}, l.Failure
}

// Status implements server.Library.
func (l *Library) Status(context.Context) (api.Status, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.status, l.Failure
}

// Folders implements server.Library.
func (l *Library) Folders(context.Context) ([]api.Folder, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.status.Folders), l.Failure
}

// AddFolder implements server.Library.
func (l *Library) AddFolder(_ context.Context, path string) (api.Folder, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.folder(path) >= 0 {
		return api.Folder{}, api.NewError(http.StatusConflict, fmt.Sprintf("%q is watched already", path))
	}
	folder := api.Folder{Path: api.NewPath(path), State: "online", Mode: "watching"}
	l.status.Folders = append(l.status.Folders, folder)
	return folder, l.Failure
}

// RemoveFolder implements server.Library.
func (l *Library) RemoveFolder(_ context.Context, path string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	i := l.folder(path)
	if i < 0 {
		return api.NewError(http.StatusNotFound, fmt.Sprintf("%q is not watched", path))
	}
	l.status.Folders = slices.Delete(l.status.Folders, i, i+1)
	return l.Failure
}

func (l *Library) folder(path string) int {
	return slices.IndexFunc(l.status.Folders, func(f api.Folder) bool { return f.Path == api.NewPath(path) })
}

// Photo implements server.Library.
func (l *Library) Photo(_ context.Context, id int64) (api.Photo, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	photo, err := l.photo(id)
	if err != nil {
		return api.Photo{}, err
	}
	return *photo, nil
}

func (l *Library) photo(id int64) (*api.Photo, error) {
	for i := range l.Photos {
		if l.Photos[i].ID == id {
			return &l.Photos[i], l.Failure
		}
	}
	return nil, api.NewError(http.StatusNotFound, fmt.Sprintf("no photo has the number %d", id))
}

// PhotosByPath implements server.Library.
func (l *Library) PhotosByPath(_ context.Context, path string) ([]api.Photo, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var found []api.Photo
	for _, photo := range l.Photos {
		if photo.Path == api.NewPath(path) {
			found = append(found, photo)
		}
	}
	return found, l.Failure
}

// Thumbnail implements server.Library. The bytes are no real picture.
func (l *Library) Thumbnail(ctx context.Context, id int64) ([]byte, error) {
	_, err := l.Photo(ctx, id)
	return []byte("RIFF"), err
}

// Tags implements server.Library.
func (l *Library) Tags(ctx context.Context, id int64) ([]api.Tag, error) {
	photo, err := l.Photo(ctx, id)
	return slices.Clone(photo.Tags), err
}

// AddTags implements server.Library.
func (l *Library) AddTags(_ context.Context, id int64, names []string) ([]api.Tag, error) {
	return l.change(id, func(tags []api.Tag) []api.Tag {
		for _, name := range names {
			tags = append(tags, api.Tag{Name: name, Source: "user"})
		}
		return tags
	})
}

// RemoveTags implements server.Library.
func (l *Library) RemoveTags(_ context.Context, id int64, names []string) ([]api.Tag, error) {
	return l.change(id, func(tags []api.Tag) []api.Tag {
		return slices.DeleteFunc(tags, func(t api.Tag) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, t.Name) })
		})
	})
}

func (l *Library) change(id int64, edit func([]api.Tag) []api.Tag) ([]api.Tag, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	photo, err := l.photo(id)
	if err != nil {
		return nil, err
	}
	photo.Tags = edit(slices.Clone(photo.Tags))
	slices.SortFunc(photo.Tags, func(a, b api.Tag) int { return strings.Compare(a.Name, b.Name) })
	photo.Tags = slices.Compact(photo.Tags)
	l.emit("photo_tagged", id)
	return slices.Clone(photo.Tags), nil
}

// Events implements server.Library.
func (l *Library) Events(ctx context.Context, after int64, limit int) ([]api.Event, error) {
	for {
		l.mutex.Lock()
		first := slices.IndexFunc(l.events, func(e api.Event) bool { return e.Change > after })
		events, arrived, failure := slices.Clone(l.events), l.arrived, l.Failure
		l.mutex.Unlock()
		if failure != nil {
			return nil, failure
		}
		if first >= 0 {
			return events[first:min(first+limit, len(events))], nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
