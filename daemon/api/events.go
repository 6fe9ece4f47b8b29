package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
)

// maxEventBytes bounds one line of the stream: a path, escaped, with room.
const maxEventBytes = 1 << 20

// Events streams the changes of the catalogue with a number above after; a
// negative after means those from now on. The sequence ends with an error, at
// the latest with the context's, and with io.EOF where the daemon closed the
// stream: go on after the last event's Change.
func (c *Client) Events(ctx context.Context, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		response, err := c.do(ctx, http.MethodGet, "/v1/events?after="+strconv.FormatInt(after, 10), nil)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer response.Body.Close()
		err = readEvents(response.Body, func(event Event) bool { return yield(event, nil) })
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		yield(Event{}, err)
	}
}

// readEvents parses a stream of server-sent events until it ends (io.EOF), is
// damaged, or yield wants no more (nil). Only data lines matter here, one an
// event, as the daemon writes them: the event itself holds its number.
func readEvents(stream io.Reader, yield func(Event) bool) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, maxEventBytes)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data:")
		if !found {
			continue
		}
		var event Event
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if !yield(event) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return io.EOF
}
