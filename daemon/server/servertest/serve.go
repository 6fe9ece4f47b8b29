package servertest

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server"
)

// Serve answers from library on a unix socket until the test ends, and returns
// a client of it.
func Serve(t *testing.T, library *Library) *api.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "vsed.sock")
	listener, err := server.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	client := &api.Client{Socket: socket}
	stop := start(t, library, listener)
	t.Cleanup(func() {
		client.Close()
		stop()
	})
	return client
}

func start(t *testing.T, library *Library, listener net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- server.New(library, library, &library.Shelf, &library.School, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}
