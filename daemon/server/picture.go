package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"vsed/daemon/api"
)

// mostPictures are taken at once: each lies in memory, and others wait.
const mostPictures = 2

// takePicture takes a picture as it is: it is no operation of huma's, which would
// read it into memory.
func (s *Server) takePicture(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	select {
	case s.pictures <- struct{}{}:
		defer func() { <-s.pictures }()
	case <-ctx.Done():
		writeProblem(w, (*api.Error)(s.refuse(ctx, "picture", ctx.Err())))
		return
	}
	// A client that goes silent must not keep its place.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTimeout)) // a writer that knows no deadline has none
	picture, err := s.library.Picture(ctx, http.MaxBytesReader(w, r.Body, api.MaxPictureBytes))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = api.NewError(http.StatusRequestTimeout, fmt.Sprintf("the picture did not come within %s: send it again", requestTimeout))
	}
	if err != nil {
		writeProblem(w, (*api.Error)(s.refuse(ctx, "picture", err)))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(picture) // an error means that the client is gone
}
