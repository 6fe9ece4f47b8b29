package servertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"vsed/daemon/api"
)

// Quarantine implements server.Library.
func (l *Library) Quarantine(_ context.Context, after int64, limit int) ([]api.QuarantinedFile, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var files []api.QuarantinedFile
	for _, file := range l.Quarantined {
		if file.ID > after && len(files) < limit {
			files = append(files, file)
		}
	}
	return files, l.Failure
}

// QuarantinedFile implements server.Library.
func (l *Library) QuarantinedFile(_ context.Context, id int64) (api.QuarantinedFile, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, file := range l.Quarantined {
		if file.ID == id {
			return file, l.Failure
		}
	}
	return api.QuarantinedFile{}, api.NewError(http.StatusNotFound, fmt.Sprintf("no file with the number %d is set aside", id))
}

// RetryQuarantine implements server.Library.
func (l *Library) RetryQuarantine(_ context.Context, ids []int64) (int64, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	before := len(l.Quarantined)
	l.Quarantined = slices.DeleteFunc(l.Quarantined, func(f api.QuarantinedFile) bool {
		retried := len(ids) == 0 || slices.Contains(ids, f.ID)
		if retried {
			l.Retried = append(l.Retried, f.ID)
		}
		return retried
	})
	return int64(before - len(l.Quarantined)), l.Failure
}

// ExportTags implements server.Library. A Failure comes after the last photo.
func (l *Library) ExportTags(_ context.Context, yield func(api.Photo) error) error {
	l.mutex.Lock()
	photos := slices.Clone(l.Photos)
	l.mutex.Unlock()
	for _, photo := range photos {
		if !slices.ContainsFunc(photo.Tags, func(t api.Tag) bool { return t.Source == "user" }) {
			continue
		}
		if err := yield(photo); err != nil {
			return err
		}
	}
	return l.Failure
}
