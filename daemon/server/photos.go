package server

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

type photoInput struct {
	ID int64 `path:"id" minimum:"1" doc:"the photo's number"`
}

// A pathInput names a file or folder: path, or path_base64 where the bytes are
// not UTF-8.
type pathInput struct {
	Path   string `query:"path" doc:"absolute path"`
	Base64 string `query:"path_base64" doc:"the exact bytes, where they are not UTF-8"`
}

type thumbnailOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) photoRoutes(h huma.API) {
	route(s, h, huma.Operation{
		OperationID: "photos-by-path", Method: http.MethodGet, Path: "/v1/photos",
		Summary: "The photos at a path",
	}, s.photosByPath)
	route(s, h, huma.Operation{
		OperationID: "photo", Method: http.MethodGet, Path: "/v1/photos/{id}",
		Summary: "One photo",
	}, s.photo)
	route(s, h, huma.Operation{
		OperationID: "thumbnail", Method: http.MethodGet, Path: "/v1/photos/{id}/thumbnail",
		Summary: "A small picture of the photo, at most 320 pixels wide and high",
		Responses: map[string]*huma.Response{"200": {
			Description: "a WebP file",
			Content:     map[string]*huma.MediaType{"image/webp": {}},
		}},
	}, s.thumbnail)
}

func (s *Server) photosByPath(ctx context.Context, input *pathInput) (*body[api.PhotoList], error) {
	path, err := absolutePath(api.Path{Text: input.Path, Base64: input.Base64})
	if err != nil {
		return nil, err
	}
	photos, err := s.library.PhotosByPath(ctx, path)
	for i := range photos {
		photos[i] = whole(photos[i])
	}
	return answer(api.PhotoList{Photos: list(photos)}, err)
}

func (s *Server) photo(ctx context.Context, input *photoInput) (*body[api.Photo], error) {
	found, err := s.library.Photo(ctx, input.ID)
	return answer(whole(found), err)
}

func (s *Server) thumbnail(ctx context.Context, input *photoInput) (*thumbnailOutput, error) {
	picture, err := s.library.Thumbnail(ctx, input.ID)
	if err != nil {
		return nil, err
	}
	return &thumbnailOutput{ContentType: "image/webp", Body: picture}, nil
}

// absolutePath gives the exact bytes of a path that a client sent.
func absolutePath(sent api.Path) (string, error) {
	path, err := sent.Raw()
	switch {
	case err != nil:
		return "", api.NewError(http.StatusUnprocessableEntity, "path_base64 is damaged: send the path's bytes in standard base64")
	case path == "":
		return "", api.NewError(http.StatusUnprocessableEntity, "no path is given: send path, or path_base64 where it is not UTF-8")
	case !filepath.IsAbs(path):
		return "", api.NewError(http.StatusUnprocessableEntity, fmt.Sprintf("%q is not an absolute path: send it from / on", path))
	case strings.ContainsRune(path, 0):
		return "", api.NewError(http.StatusUnprocessableEntity, fmt.Sprintf("%q holds a zero byte: no path can", path))
	}
	return filepath.Clean(path), nil
}
