package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

func (s *Server) folderRoutes(h huma.API) {
	const path = "/v1/folders"
	route(s, h, huma.Operation{
		OperationID: "folders", Method: http.MethodGet, Path: path,
		Summary: "The watched folders",
	}, s.folders)
	route(s, h, huma.Operation{
		OperationID: "add-folder", Method: http.MethodPost, Path: path, DefaultStatus: http.StatusOK,
		Summary: "Watch a folder",
	}, s.addFolder)
	route(s, h, huma.Operation{
		OperationID: "remove-folder", Method: http.MethodDelete, Path: path, DefaultStatus: http.StatusNoContent,
		Summary: "Forget a folder; its files are not touched",
	}, s.removeFolder)
}

func (s *Server) folders(ctx context.Context, _ *struct{}) (*body[api.FolderList], error) {
	folders, err := s.library.Folders(ctx)
	return answer(api.FolderList{Folders: list(folders)}, err)
}

func (s *Server) addFolder(ctx context.Context, input *body[api.Path]) (*body[api.Folder], error) {
	path, err := absolutePath(input.Body)
	if err != nil {
		return nil, err
	}
	return answer(s.library.AddFolder(ctx, path))
}

func (s *Server) removeFolder(ctx context.Context, input *pathInput) (*struct{}, error) {
	path, err := absolutePath(api.Path{Text: input.Path, Base64: input.Base64})
	if err != nil {
		return nil, err
	}
	return &struct{}{}, s.library.RemoveFolder(ctx, path)
}
