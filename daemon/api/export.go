package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
)

// maxPhotoBytes bounds one photo of an export: thousands of copies have room.
const maxPhotoBytes = 8 << 20

// ExportedTags streams every photo that the user tagged, with its digest, all its
// tags and its paths. The sequence ends after the last photo or with an error; without one
// it is whole.
func (c *Client) ExportedTags(ctx context.Context) iter.Seq2[Photo, error] {
	return func(yield func(Photo, error) bool) {
		response, err := c.do(ctx, http.MethodGet, "/v1/tags/export?format=json", nil)
		if err != nil {
			yield(Photo{}, err)
			return
		}
		defer response.Body.Close()
		err = readPhotos(response.Body, func(photo Photo) bool { return yield(photo, nil) })
		if err != nil {
			yield(Photo{}, exportError(ctx, err))
		}
	}
}

// readPhotos parses one JSON object a photo until the stream ends, is damaged,
// or yield wants no more; each object is bounded, their number is not.
func readPhotos(stream io.Reader, yield func(Photo) bool) error {
	bounded := &io.LimitedReader{R: stream}
	for decoder := json.NewDecoder(bounded); ; {
		bounded.N = maxPhotoBytes
		var photo Photo
		err := decoder.Decode(&photo)
		switch {
		case err != nil && bounded.N <= 0:
			return fmt.Errorf("one photo takes more than %d MiB", maxPhotoBytes>>20)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if !yield(photo) {
			return nil
		}
	}
}

// ExportTagsCSV writes the export as the daemon forms it in CSV to w. After an
// error, what was written is not the whole.
func (c *Client) ExportTagsCSV(ctx context.Context, w io.Writer) error {
	response, err := c.do(ctx, http.MethodGet, "/v1/tags/export?format=csv", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, response.Body); err != nil {
		return exportError(ctx, err)
	}
	return nil
}

// exportError tells an answer that was cut off from other failures: the daemon
// says so by cutting it, as the status was sent before.
func exportError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the daemon broke the export off, so it is not whole: its log says why, then export again")
	}
	return fmt.Errorf("export tags: %w", err)
}
