package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

// A problem is an api.Error in the form that huma sends: with its status, as
// problem+json.
type problem api.Error

var (
	_ huma.StatusError       = (*problem)(nil)
	_ huma.ContentTypeFilter = (*problem)(nil)
)

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// refuse turns an error of the library into what the client is told. The text
// of an error that is not meant for it goes to the log; the library's errors
// hold no query and no photo's path.
func (s *Server) refuse(ctx context.Context, operation string, err error) *problem {
	var refusal *api.Error
	switch {
	case errors.As(err, &refusal):
		return (*problem)(refusal)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return (*problem)(api.NewError(http.StatusServiceUnavailable, fmt.Sprintf("the daemon did not answer within %s: try again, `vsectl status` shows how busy it is", requestTimeout)))
	case ctx.Err() != nil:
		return (*problem)(api.NewError(http.StatusServiceUnavailable, "the daemon is stopping: try again when it is back"))
	}
	s.log.ErrorContext(ctx, "request failed", "operation", operation, "error", err)
	return (*problem)(api.NewError(http.StatusInternalServerError, "the daemon failed on this request: its log says why"))
}

// plainProblem makes an api.Error of huma's own refusals: one line, without the
// values that were sent.
func plainProblem(_ huma.Context, _ string, value any) (any, error) {
	model, ok := value.(*huma.ErrorModel)
	if !ok {
		return value, nil
	}
	detail := model.Detail
	var faults []string
	for _, fault := range model.Errors {
		_, name, _ := strings.Cut(fault.Location, ".")
		faults = append(faults, strings.TrimPrefix(name+": ", ": ")+fault.Message)
	}
	if len(faults) > 0 {
		detail = strings.Join(faults, "; ")
	}
	return api.NewError(model.Status, detail), nil
}

// unknownRoute answers what no operation takes: 405 where the path has other
// methods, else 404.
func unknownRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refusal := api.NewError(http.StatusNotFound, "no such address: /v1/openapi.json lists what there is")
		if methods := methodsOf(mux, r); len(methods) > 0 {
			allowed := strings.Join(methods, ", ")
			w.Header().Set("Allow", allowed)
			refusal = api.NewError(http.StatusMethodNotAllowed, fmt.Sprintf("%s is not possible here: use %s", r.Method, allowed))
		}
		writeProblem(w, refusal)
	}
}

func writeProblem(w http.ResponseWriter, refusal *api.Error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(refusal.Status)
	_ = json.NewEncoder(w).Encode(refusal) // an error means that the client is gone
}

func methodsOf(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(other); pattern != "/" {
			methods = append(methods, method)
		}
	}
	return methods
}
