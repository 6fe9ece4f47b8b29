package server

import (
	"encoding/json"
	"net/http"

	"vsed/daemon/api"
)

// takePicture takes a picture as it is: it is no operation of huma's, which would
// read it into memory.
func (s *Server) takePicture(w http.ResponseWriter, r *http.Request) {
	picture, err := s.library.Picture(r.Context(), http.MaxBytesReader(w, r.Body, api.MaxPictureBytes))
	if err != nil {
		writeProblem(w, (*api.Error)(s.refuse(r.Context(), "picture", err)))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(picture) // an error means that the client is gone
}
