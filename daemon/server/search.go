package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

type searchInput struct {
	Query  string `query:"q" doc:"what the photos show, in words, and filters as docs/search.md tells; at most 16 KiB"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"hits a page"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
}

func (s *Server) searchRoutes(h huma.API) {
	route(s, h, huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/v1/search",
		Summary: "Find photos by what they show, by tag, file name and folder",
	}, s.search)
	route(s, h, huma.Operation{
		OperationID: "status", Method: http.MethodGet, Path: "/v1/status",
		Summary: "How far the daemon is and what it watches",
	}, s.status)
}

func (s *Server) search(ctx context.Context, input *searchInput) (*body[api.SearchResult], error) {
	if err := api.CheckQuery(input.Query); err != nil {
		return nil, err
	}
	result, err := s.searcher.Search(ctx, input.Query, input.Limit, input.Cursor)
	result.Hits = list(result.Hits)
	for i := range result.Hits {
		result.Hits[i].Photo = whole(result.Hits[i].Photo)
	}
	return answer(result, err)
}

func (s *Server) status(ctx context.Context, _ *struct{}) (*body[api.Status], error) {
	status, err := s.library.Status(ctx)
	status.Folders, status.Quarantined = list(status.Folders), list(status.Quarantined)
	status.Sidecars = list(status.Sidecars)
	return answer(status, err)
}
