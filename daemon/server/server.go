// Package server answers the API of package api over HTTP: it declares the
// operations to huma (which makes the OpenAPI document and checks parameters),
// turns errors into problem+json, and owns the socket, its limits and its
// orderly end. What the answers hold is not its business: it asks the Searcher
// and the Library that it is given.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/api"
)

const (
	// maxHeaderBytes also bounds the request line: 16 KiB of headers beside the
	// longest query, of which every byte may be escaped as three.
	maxHeaderBytes = 16<<10 + 3*api.MaxQueryBytes
	maxBodyBytes   = 1 << 20
	headerTimeout  = 10 * time.Second
	// requestTimeout bounds one answer, those that are streams aside.
	requestTimeout = 30 * time.Second
	// slowTimeout bounds what starts a model, or takes one from a client.
	slowTimeout = 30 * time.Minute
	idleTimeout = 2 * time.Minute
	// shutdownTimeout is what answers in progress are given at the end; the
	// daemon as a whole has 5 s.
	shutdownTimeout = 2 * time.Second
)

// A Searcher finds photos. The limit is from 1 to api.MaxLimit.
type Searcher interface {
	Search(ctx context.Context, asked api.SearchRequest) (api.SearchResult, error)
}

// A Library is what the daemon knows. Paths are exact bytes. An *api.Error goes
// to the client as it is; any other error is told as a failure of the daemon,
// without its text.
type Library interface {
	Status(ctx context.Context) (api.Status, error)

	Folders(ctx context.Context) ([]api.Folder, error)
	AddFolder(ctx context.Context, path string) (api.Folder, error)
	RemoveFolder(ctx context.Context, path string) error

	Photo(ctx context.Context, id int64) (api.Photo, error)
	PhotosByPath(ctx context.Context, path string) ([]api.Photo, error)
	// Thumbnail gives a WebP file.
	Thumbnail(ctx context.Context, id int64) ([]byte, error)

	// Picture takes a picture that is not in the library, to be asked for by like:.
	Picture(ctx context.Context, content io.Reader) (api.Picture, error)

	// AddTags and RemoveTags return every tag that the photo then has.
	Tags(ctx context.Context, id int64) ([]api.Tag, error)
	AddTags(ctx context.Context, id int64, names []string) ([]api.Tag, error)
	RemoveTags(ctx context.Context, id int64, names []string) ([]api.Tag, error)

	// Quarantine lists files that were set aside in the order of their numbers,
	// at most limit of those above after.
	Quarantine(ctx context.Context, after int64, limit int) ([]api.QuarantinedFile, error)
	QuarantinedFile(ctx context.Context, id int64) (api.QuarantinedFile, error)
	// RetryQuarantine takes files out of quarantine, all where ids is empty, and
	// returns how many those were; numbers of other files are passed over.
	RetryQuarantine(ctx context.Context, ids []int64) (int64, error)

	// ExportTags yields every photo that the user tagged, with its digest and all
	// its tags, in the order of their numbers, and ends with the first error of
	// yield.
	ExportTags(ctx context.Context, yield func(api.Photo) error) error

	// Events blocks until there is a change newer than after, and returns the
	// oldest such, at most limit, in order; or ends with ctx and its error.
	Events(ctx context.Context, after int64, limit int) ([]api.Event, error)
}

// A Server answers requests. It serves one listener, once.
type Server struct {
	searcher Searcher
	library  Library
	encoders Encoders
	learning Learning
	log      *slog.Logger
	handler  http.Handler
	pictures chan struct{} // holds a token for each that is being taken
	// streams ends when the server is asked to stop: an event stream has no end
	// of its own that a shutdown could wait for.
	streams    context.Context
	endStreams context.CancelFunc
}

// New makes a server that answers from searcher, library, encoders and learning.
func New(searcher Searcher, library Library, encoders Encoders, learning Learning, log *slog.Logger) *Server {
	s := &Server{searcher: searcher, library: library, encoders: encoders, learning: learning, log: log, pictures: make(chan struct{}, mostPictures)}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	s.handler = s.logged(s.routes())
	return s
}

// Serve answers on listener until ctx ends, then lets answers in progress
// finish for a moment, and closes listener. It returns nil after an orderly
// end.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler:           s.handler,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      2 * requestTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withPeer,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	var group errgroup.Group
	serving, stopped := context.WithCancel(ctx)
	group.Go(func() error {
		defer stopped()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the API: %w", err)
		}
		return nil
	})
	<-serving.Done()
	s.endStreams()
	shutdown(server, abort)
	return group.Wait()
}

// shutdown waits for answers in progress, then cuts them off.
func shutdown(server *http.Server, abort context.CancelFunc) {
	grace, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		abort()
		_ = server.Close() // only closes what did not end by itself
	}
}
