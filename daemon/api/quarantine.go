package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Quarantine asks for the files that were set aside, in the order of their
// numbers. limit 0 means DefaultQuarantineLimit; cursor is empty or the Next of
// an earlier answer.
func (c *Client) Quarantine(ctx context.Context, limit int, cursor string) (QuarantineList, error) {
	values := url.Values{}
	if limit != 0 {
		values.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return ask[QuarantineList](ctx, c, http.MethodGet, "/v1/quarantine?"+values.Encode(), nil)
}

// QuarantinedAt looks through the files that were set aside for one of the
// paths, given by its exact bytes, and reports whether there is one.
func (c *Client) QuarantinedAt(ctx context.Context, paths ...string) (file QuarantinedFile, found bool, err error) {
	for cursor := ""; ; {
		page, err := c.Quarantine(ctx, MaxLimit, cursor)
		if err != nil {
			return QuarantinedFile{}, false, err
		}
		for _, file := range page.Files {
			if raw, err := file.Raw(); err == nil && slices.Contains(paths, raw) {
				return file, true, nil
			}
		}
		if page.Next == "" {
			return QuarantinedFile{}, false, nil
		}
		cursor = page.Next
	}
}

// QuarantinedFile asks for one file that was set aside, by its number.
func (c *Client) QuarantinedFile(ctx context.Context, id int64) (QuarantinedFile, error) {
	return ask[QuarantinedFile](ctx, c, http.MethodGet, "/v1/quarantine/"+strconv.FormatInt(id, 10), nil)
}

// RetryQuarantine has files tried again, all that are set aside where ids is
// empty, and returns how many that are. Numbers of files that are not set aside
// are passed over.
func (c *Client) RetryQuarantine(ctx context.Context, ids []int64) (int64, error) {
	if ids == nil {
		ids = []int64{}
	}
	answer, err := ask[Retried](ctx, c, http.MethodPost, "/v1/quarantine/retry", QuarantineIDs{IDs: ids})
	return answer.Retried, err
}
