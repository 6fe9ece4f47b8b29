package server

import (
	"net/http"
	"time"
)

// logged notes each request at debug level: by its route, never its address,
// which may hold a query or a path.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		s.log.DebugContext(r.Context(), "request",
			"route", r.Pattern, "status", seen.status, "took", time.Since(start), "uid", peerUID(r.Context()))
	})
}

// A statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
