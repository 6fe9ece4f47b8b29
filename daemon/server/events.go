package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"vsed/daemon/api"
)

const (
	// eventBatch is how many events are asked for at once: enough that a client
	// far behind catches up quickly, few enough to hold in memory.
	eventBatch = 256
	// keepAlive is how often an idle stream says something, so that either end
	// notices when the other is gone.
	keepAlive = 30 * time.Second
	// eventWriteTimeout is how long a client may leave a batch unread; it then
	// reconnects and goes on where it was.
	eventWriteTimeout = 10 * time.Second
)

type eventsInput struct {
	After int64 `query:"after" minimum:"-1" default:"-1" doc:"send the changes above this number; -1: those from now on"`
	// A browser that reconnects sends the last id it saw with the address of
	// its first request, so the header counts more than After.
	LastEventID int64 `header:"Last-Event-ID" minimum:"-1" default:"-1" doc:"as after, which it overrides"`
}

func (s *Server) eventRoutes(h huma.API) {
	event := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Event](), true, "Event")
	route(s, h, huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/v1/events",
		Summary: "The changes of the catalogue as server-sent events",
		Responses: map[string]*huma.Response{"200": {
			Description: "server-sent events: id is the change number, data one object as this schema says",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: event}},
		}},
	}, s.events)
}

func (s *Server) events(ctx context.Context, input *eventsInput) (*huma.StreamResponse, error) {
	after := input.After
	if input.LastEventID >= 0 {
		after = input.LastEventID
	}
	if after < 0 {
		status, err := s.library.Status(ctx)
		if err != nil {
			return nil, err
		}
		after = status.Change
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		_, w := humago.Unwrap(h)
		ctx, cancel := context.WithCancel(h.Context())
		defer cancel()
		defer context.AfterFunc(s.streams, cancel)()
		s.stream(ctx, w, after)
	}}, nil
}

// stream sends events until ctx ends, the client goes, or the library fails.
// The status is sent at once: a client then knows that it is connected.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, after int64) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	err := send(w, []byte(": connected\n\n"))
	for err == nil {
		var events []api.Event
		events, err = s.nextEvents(ctx, after)
		if err != nil {
			break
		}
		if len(events) > 0 {
			after = events[len(events)-1].Change
		}
		err = send(w, encodeEvents(events))
	}
	if ctx.Err() == nil {
		s.log.DebugContext(ctx, "event stream ended", "error", err)
	}
}

// nextEvents waits for events, at most keepAlive long: then there are none and
// no error.
func (s *Server) nextEvents(ctx context.Context, after int64) ([]api.Event, error) {
	wait, cancel := context.WithTimeout(ctx, keepAlive)
	defer cancel()
	events, err := s.library.Events(wait, after, eventBatch)
	if ctx.Err() == nil && errors.Is(wait.Err(), context.DeadlineExceeded) {
		return events, nil
	}
	return events, err
}

// encodeEvents writes events in the form of the stream; a comment where there
// are none.
func encodeEvents(events []api.Event) []byte {
	if len(events) == 0 {
		return []byte(": still here\n\n")
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, event := range events {
		fmt.Fprintf(&text, "id: %d\ndata: ", event.Change)
		_ = encoder.Encode(event) // numbers and strings: it cannot fail
		text.WriteString("\n")
	}
	return text.Bytes()
}

func send(w http.ResponseWriter, text []byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(eventWriteTimeout)); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return control.Flush()
}
