package daemon

import (
	"context"
	"encoding/hex"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
)

// Quarantine lists files that were set aside, in the order of their numbers.
func (d *daemon) Quarantine(ctx context.Context, after int64, limit int) ([]api.QuarantinedFile, error) {
	files, err := d.catalogue.Quarantined(ctx, after, limit)
	return quarantined(files), err
}

// QuarantinedFile describes one file that was set aside.
func (d *daemon) QuarantinedFile(ctx context.Context, id int64) (api.QuarantinedFile, error) {
	file, err := d.catalogue.QuarantinedFile(ctx, id)
	if err != nil {
		return api.QuarantinedFile{}, known(err, "no file with the number %d is set aside: `vsectl quarantine list` shows those that are", id)
	}
	return quarantined([]catalogue.QuarantinedFile{file})[0], nil
}

// RetryQuarantine takes files out of quarantine, all where ids is empty.
func (d *daemon) RetryQuarantine(ctx context.Context, ids []int64) (int64, error) {
	return d.catalogue.RetryQuarantined(ctx, ids)
}

func quarantined(files []catalogue.QuarantinedFile) []api.QuarantinedFile {
	answer := make([]api.QuarantinedFile, len(files))
	for i, file := range files {
		answer[i] = api.QuarantinedFile{
			ID: file.ID, Path: api.NewPath(file.Path), Reason: file.Reason, Attempts: file.Attempts,
			LastAttempt: moment(file.LastAttempt), NextAttempt: moment(file.NextAttempt),
		}
	}
	return answer
}

// moment is the API's form of a time; empty for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ExportTags yields every photo that the user tagged.
func (d *daemon) ExportTags(ctx context.Context, yield func(api.Photo) error) error {
	return d.catalogue.UserTagged(ctx, func(found catalogue.Photo) error {
		answer := photo(found)
		answer.Digest = hex.EncodeToString(found.Digest[:])
		return yield(answer)
	})
}
