package server

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"vsed/daemon/api"
)

const (
	// exportBuffer is how much of an export is sent at once.
	exportBuffer = 32 << 10
	// exportWriteTimeout is how long a client may leave that unread.
	exportWriteTimeout = 10 * time.Second
)

type exportInput struct {
	Format string `query:"format" enum:"csv,json" default:"csv" doc:"csv: a row for each tag of each file; json: one object a line for each photo"`
}

func (s *Server) exportRoutes(h huma.API) {
	photo := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Photo](), true, "Photo")
	route(s, h, huma.Operation{
		OperationID: "export-tags", Method: http.MethodGet, Path: "/v1/tags/export",
		Summary: "The tags of every photo that the user tagged",
		Description: "An answer that breaks off is not whole. In CSV the columns are path, path_base64 (the exact bytes, where they are not UTF-8), digest, tag, source and note; " +
			"a file that is missing has no row where another of the photo is there; " +
			"a photo of which no file is known has the note \"folder removed\", and the path that it had then, where that is known; a cell that a spreadsheet could take for a formula, or that begins with ', carries one ' more in front.",
		Responses: map[string]*huma.Response{"200": {
			Description: "the tags, as long as it takes",
			Content: map[string]*huma.MediaType{
				"text/csv":             {},
				"application/x-ndjson": {Schema: photo},
			},
		}},
	}, s.exportTags)
}

func (s *Server) exportTags(_ context.Context, input *exportInput) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		_, w := humago.Unwrap(h)
		ctx, cancel := context.WithCancel(h.Context())
		defer cancel()
		defer context.AfterFunc(s.streams, cancel)()
		s.export(ctx, w, input.Format)
	}}, nil
}

// export streams the photos. A failure before anything was sent is refused as
// usual; after that only cutting the answer off can tell of it.
func (s *Server) export(ctx context.Context, w http.ResponseWriter, format string) {
	out := &patient{w: w, kind: "text/csv; charset=utf-8"}
	text := bufio.NewWriterSize(out, exportBuffer)
	write := writeCSV
	if format == "json" {
		out.kind, write = "application/x-ndjson", writeJSON
	} else {
		writeCSVHead(text)
	}
	err := s.library.ExportTags(ctx, func(photo api.Photo) error {
		write(text, whole(photo))
		_, err := text.Write(nil) // what an earlier write met
		return err
	})
	if err == nil {
		err = out.finish(text)
	}
	switch {
	case err == nil:
		return
	case out.failed != nil:
		s.log.DebugContext(ctx, "export ended by its client", "error", out.failed)
		panic(http.ErrAbortHandler)
	}
	refusal := s.refuse(ctx, "export-tags", err)
	if out.begun {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, (*api.Error)(refusal))
}

func writeJSON(w *bufio.Writer, photo api.Photo) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(photo) // an error stays in w
}

// A patient writer sends the headers with the first bytes, and gives the client
// time for each part instead of for the whole.
type patient struct {
	w     http.ResponseWriter
	kind  string
	begun bool
	// failed is why the client did not get a part.
	failed error
}

func (p *patient) Write(part []byte) (n int, err error) {
	p.begin()
	p.failed = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(exportWriteTimeout))
	if p.failed == nil {
		n, p.failed = p.w.Write(part)
	}
	return n, p.failed
}

func (p *patient) begin() {
	if p.begun {
		return
	}
	p.begun = true
	p.w.Header().Set("Content-Type", p.kind)
	p.w.Header().Set("Cache-Control", "no-store")
	p.w.WriteHeader(http.StatusOK)
}

// finish sends what text still holds, and the headers where that is nothing.
func (p *patient) finish(text *bufio.Writer) error {
	p.begin()
	return text.Flush()
}
