package server

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

type searchInput struct {
	Query  string `query:"q" doc:"what the photos show, in words, and filters as docs/search.md tells; at most 16 KiB"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"hits a page"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before"`

	Typing  bool `query:"typing" doc:"whether the last word is still being typed: then it stands for those that begin with it, too"`
	Explain bool `query:"explain" doc:"whether to tell how each hit came to its place, and what was made of the query"`
}

func (s *Server) searchRoutes(h huma.API) {
	route(s, h, huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/v1/search",
		Summary: "Find photos by what they show, by tag, file name and folder",
	}, s.search)
	h.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "picture", Method: http.MethodPost, Path: "/v1/pictures",
		Summary:     "Take a picture that is not in the library, to search for photos like it; it is not stored",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {}}},
		Responses: withProblem(h, map[string]*huma.Response{"200": {Description: "what stands for it in a query", Content: map[string]*huma.MediaType{
			"application/json": {Schema: h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Picture](), true, "Picture")},
		}}}),
	})
	route(s, h, huma.Operation{
		OperationID: "status", Method: http.MethodGet, Path: "/v1/status",
		Summary: "How far the daemon is and what it watches",
	}, s.status)
}

func (s *Server) search(ctx context.Context, input *searchInput) (*body[api.SearchResult], error) {
	if err := api.CheckQuery(input.Query); err != nil {
		return nil, err
	}
	asked := api.SearchRequest{Query: input.Query, Limit: input.Limit, Cursor: input.Cursor, Typing: input.Typing, Explain: input.Explain}
	result, err := s.searcher.Search(ctx, asked)
	result.Hits = list(result.Hits)
	for i := range result.Hits {
		hit := &result.Hits[i]
		hit.Photo, hit.Matches = whole(hit.Photo), list(hit.Matches)
		for j := range hit.Matches {
			hit.Matches[j].Texts = list(hit.Matches[j].Texts)
		}
		if hit.Reason != nil {
			hit.Reason.Filters = list(hit.Reason.Filters)
		}
	}
	return answer(result, err)
}

func (s *Server) status(ctx context.Context, _ *struct{}) (*body[api.Status], error) {
	status, err := s.library.Status(ctx)
	status.Folders, status.Quarantined = list(status.Folders), list(status.Quarantined)
	status.Sidecars = list(status.Sidecars)
	return answer(status, err)
}
