package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

type quarantineInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"files a page"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
}

type quarantinedInput struct {
	ID int64 `path:"id" minimum:"1" doc:"the file's number"`
}

func (s *Server) quarantineRoutes(h huma.API) {
	const path = "/v1/quarantine"
	route(s, h, huma.Operation{
		OperationID: "quarantine", Method: http.MethodGet, Path: path,
		Summary: "The files that were set aside, with the reasons",
	}, s.quarantine)
	route(s, h, huma.Operation{
		OperationID: "quarantined-file", Method: http.MethodGet, Path: path + "/{id}",
		Summary: "One file that was set aside",
	}, s.quarantinedFile)
	route(s, h, huma.Operation{
		OperationID: "retry-quarantine", Method: http.MethodPost, Path: path + "/retry", DefaultStatus: http.StatusOK,
		Summary: "Try files again that were set aside",
	}, s.retryQuarantine)
}

// quarantine asks for one file more than a page holds: whether there is one
// says whether there is another page.
func (s *Server) quarantine(ctx context.Context, input *quarantineInput) (*body[api.QuarantineList], error) {
	after, err := quarantineCursor(input.Cursor)
	if err != nil {
		return nil, err
	}
	files, err := s.library.Quarantine(ctx, after, input.Limit+1)
	page := api.QuarantineList{Files: list(files)}
	if len(files) > input.Limit {
		page.Files = files[:input.Limit]
		page.Next = strconv.FormatInt(files[input.Limit-1].ID, 10)
	}
	return answer(page, err)
}

// quarantineCursor gives the number of the last file that a client has seen.
func quarantineCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	after, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || after < 1 {
		return 0, api.NewError(http.StatusUnprocessableEntity, "the cursor is damaged: list again without it")
	}
	return after, nil
}

func (s *Server) quarantinedFile(ctx context.Context, input *quarantinedInput) (*body[api.QuarantinedFile], error) {
	return answer(s.library.QuarantinedFile(ctx, input.ID))
}

func (s *Server) retryQuarantine(ctx context.Context, input *body[api.QuarantineIDs]) (*body[api.Retried], error) {
	count, err := s.library.RetryQuarantine(ctx, input.Body.IDs)
	return answer(api.Retried{Retried: count}, err)
}
