package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

type addTagsInput struct {
	ID   int64 `path:"id" minimum:"1" doc:"the photo's number"`
	Body api.TagNames
}

type removeTagsInput struct {
	ID    int64    `path:"id" minimum:"1" doc:"the photo's number"`
	Names []string `query:"name,explode" required:"true" nullable:"false" doc:"the tag to remove; may be given several times"`
}

func (s *Server) tagRoutes(h huma.API) {
	const path = "/v1/photos/{id}/tags"
	route(s, h, huma.Operation{
		OperationID: "tags", Method: http.MethodGet, Path: path,
		Summary: "The tags of a photo",
	}, s.tags)
	route(s, h, huma.Operation{
		OperationID: "add-tags", Method: http.MethodPost, Path: path, DefaultStatus: http.StatusOK,
		Summary: "Give a photo tags",
	}, s.addTags)
	route(s, h, huma.Operation{
		OperationID: "remove-tags", Method: http.MethodDelete, Path: path, DefaultStatus: http.StatusOK,
		Summary: "Take tags from a photo, whoever gave them: what its file or a sidecar gave stays off",
	}, s.removeTags)
}

func (s *Server) tags(ctx context.Context, input *photoInput) (*body[api.TagList], error) {
	tags, err := s.library.Tags(ctx, input.ID)
	return answer(api.TagList{Tags: list(tags)}, err)
}

func (s *Server) addTags(ctx context.Context, input *addTagsInput) (*body[api.TagList], error) {
	if err := api.CheckTags(input.Body.Names); err != nil {
		return nil, err
	}
	tags, err := s.library.AddTags(ctx, input.ID, input.Body.Names)
	return answer(api.TagList{Tags: list(tags)}, err)
}

func (s *Server) removeTags(ctx context.Context, input *removeTagsInput) (*body[api.TagList], error) {
	tags, err := s.library.RemoveTags(ctx, input.ID, input.Names)
	return answer(api.TagList{Tags: list(tags)}, err)
}
