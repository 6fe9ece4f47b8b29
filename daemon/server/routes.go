package server

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"vsed/daemon/api"
)

// routes declares every operation. The OpenAPI document is at
// /v1/openapi.json; huma's own pages are off, as they load scripts from
// elsewhere, and so are the schema links that it would add to each answer.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("vsed", "1")
	config.OpenAPIPath = "/v1/openapi"
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{plainProblem}
	h := humago.New(mux, config)
	s.searchRoutes(h)
	s.photoRoutes(h)
	s.tagRoutes(h)
	s.exportRoutes(h)
	s.folderRoutes(h)
	s.quarantineRoutes(h)
	s.eventRoutes(h)
	s.encoderRoutes(h)
	s.learningRoutes(h)
	mux.HandleFunc("PUT /v1/encoders/{name}", s.installEncoder)
	mux.HandleFunc("POST /v1/pictures", s.takePicture)
	neverNull(h.OpenAPI().Components.Schemas)
	mux.HandleFunc("/", unknownRoute(mux))
	return mux
}

// route declares one operation. Its handler's context ends after
// requestTimeout, its errors are told as refuse says.
func route[I, O any](s *Server, h huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	within(requestTimeout, s, h, op, handle)
}

// slow is route for what may take slowTimeout.
func slow[I, O any](s *Server, h huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		_, writer := humago.Unwrap(ctx)
		allowTime(writer)
		next(ctx)
	})
	within(slowTimeout, s, h, op, handle)
}

// allowTime lets a request and its answer take slowTimeout.
func allowTime(writer http.ResponseWriter) {
	control, end := http.NewResponseController(writer), time.Now().Add(slowTimeout)
	_ = errors.Join(control.SetReadDeadline(end), control.SetWriteDeadline(end)) // a writer that knows no deadline has none
}

func within[I, O any](limit time.Duration, s *Server, h huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = maxBodyBytes
	op.BodyReadTimeout = requestTimeout
	op.Responses = withProblem(h, op.Responses)
	huma.Register(h, op, func(ctx context.Context, input *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		output, err := handle(ctx, input)
		if err != nil {
			return nil, s.refuse(ctx, op.OperationID, err)
		}
		return output, nil
	})
}

// withProblem documents what every operation may answer.
func withProblem(h huma.API, responses map[string]*huma.Response) map[string]*huma.Response {
	if responses == nil {
		responses = map[string]*huma.Response{}
	}
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Error](), true, "Error")
	responses["default"] = &huma.Response{
		Description: "refused or failed; detail is one line that says why and what to do",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}
	return responses
}

// neverNull corrects the document: huma takes each list for one that may be
// null, and list makes sure that none is.
func neverNull(schemas huma.Registry) {
	for _, schema := range schemas.Map() {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}

// list gives items, as an empty list where there is none, so that JSON has []
// and never null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// whole gives p without a missing list.
func whole(p api.Photo) api.Photo {
	p.Paths, p.Tags = list(p.Paths), list(p.Tags)
	return p
}

// A body is an output of huma that has nothing but a JSON body.
type body[T any] struct{ Body T }

func answer[T any](value T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{value}, nil
}
