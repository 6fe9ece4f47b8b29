package api_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each method reaches its operation and brings the answer back whole, paths
// that are not UTF-8 included.
func TestClientSpeaksEveryOperation(t *testing.T) {
	const path = "/p/a b\n\xff.jpg"
	photo := api.Photo{ID: 3, Path: api.NewPath(path), Paths: []api.Path{api.NewPath(path)}, Tags: []api.Tag{}, State: api.StateEncoded}
	library := servertest.New(photo)
	library.Answer = api.SearchResult{Hits: []api.Hit{{Photo: photo, Score: 0.25}}, Next: "more", GoodMatch: true}
	client := servertest.Serve(t, library)
	ctx := t.Context()

	result, err := client.Search(ctx, "a dog & a cat", 5, "")
	check(t, err)
	if len(result.Hits) != 1 || result.Next != "more" || !result.GoodMatch || library.Queries[0] != "a dog & a cat" {
		t.Errorf("search: %+v of %q", result, library.Queries)
	}
	photos, err := client.PhotosByPath(ctx, path)
	check(t, err)
	if len(photos) != 1 || photos[0].ID != 3 {
		t.Errorf("photos at the path: %+v", photos)
	}
	if raw, err := photos[0].Raw(); err != nil || raw != path {
		t.Errorf("path %q, %v", raw, err)
	}
	one, err := client.Photo(ctx, 3)
	check(t, err)
	if one.Path != photo.Path {
		t.Errorf("photo: %+v", one)
	}
	tags, err := client.AddTags(ctx, 3, []string{"dog", "a, b"})
	check(t, err)
	if len(tags) != 2 {
		t.Errorf("tags after add: %+v", tags)
	}
	tags, err = client.RemoveTags(ctx, 3, []string{"a, b"})
	check(t, err)
	if len(tags) != 1 || tags[0].Name != "dog" {
		t.Errorf("tags after remove: %+v", tags)
	}
	tags, err = client.Tags(ctx, 3)
	check(t, err)
	if len(tags) != 1 {
		t.Errorf("tags: %+v", tags)
	}
	picture, err := client.Thumbnail(ctx, 3)
	check(t, err)
	if string(picture) != "RIFF" {
		t.Errorf("thumbnail: %q", picture)
	}
	folder, err := client.AddFolder(ctx, "/p/\xff")
	check(t, err)
	if raw, err := folder.Raw(); err != nil || raw != "/p/\xff" {
		t.Errorf("folder %q, %v", raw, err)
	}
	folders, err := client.Folders(ctx)
	check(t, err)
	if len(folders) != 1 {
		t.Errorf("folders: %+v", folders)
	}
	check(t, client.RemoveFolder(ctx, "/p/\xff"))
	library.Quarantined = []api.QuarantinedFile{{ID: 4, Path: api.NewPath(path), Reason: "no picture"}, {ID: 6}, {ID: 8}}
	page, err := client.Quarantine(ctx, 1, "4")
	check(t, err)
	if len(page.Files) != 1 || page.Files[0].ID != 6 || page.Next != "6" {
		t.Errorf("quarantine: %+v", page)
	}
	file, err := client.QuarantinedFile(ctx, 4)
	check(t, err)
	if raw, err := file.Raw(); err != nil || raw != path || file.Reason != "no picture" {
		t.Errorf("file set aside: %+v", file)
	}
	retried, err := client.RetryQuarantine(ctx, []int64{4, 5})
	check(t, err)
	rest, err := client.RetryQuarantine(ctx, nil)
	check(t, err)
	if retried != 1 || rest != 2 {
		t.Errorf("retried %d and %d", retried, rest)
	}
	for photo, err := range client.ExportedTags(ctx) {
		check(t, err)
		if photo.ID != 3 || len(photo.Tags) != 1 {
			t.Errorf("exported: %+v", photo)
		}
	}
	var rows strings.Builder
	check(t, client.ExportTagsCSV(ctx, &rows))
	if !strings.Contains(rows.String(), `"dog"`) {
		t.Errorf("exported: %s", rows.String())
	}
	status, err := client.Status(ctx)
	check(t, err)
	if status.Change != 2 || len(status.Folders) != 0 {
		t.Errorf("status: %+v", status)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefusalIsAnError(t *testing.T) {
	client := servertest.Serve(t, servertest.New())
	_, err := client.Photo(t.Context(), 12)
	var refusal *api.Error
	if !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound || err.Error() != "no photo has the number 12" {
		t.Errorf("got %#v", err)
	}
}

// Where nothing listens, be the socket absent or left behind, the message says
// how to start a daemon.
func TestNoDaemon(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	client := &api.Client{Socket: socket}
	defer client.Close()
	f := func() {
		t.Helper()
		_, err := client.Status(t.Context())
		var absent *api.NoDaemonError
		if !errors.As(err, &absent) || absent.Socket != socket || !strings.Contains(err.Error(), "systemctl start vsed") {
			t.Errorf("got %v", err)
		}
	}
	f()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	check(t, err)
	listener.SetUnlinkOnClose(false)
	listener.Close()
	f()
}

func TestContextEndsACall(t *testing.T) {
	client := servertest.Serve(t, servertest.New())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Whatever else listens on the socket gives a plain error, not a crash, not
// endless memory.
func TestStrangersOnTheSocket(t *testing.T) {
	f := func(want string, answer http.HandlerFunc) {
		t.Helper()
		client := stranger(t, answer)
		_, err := client.Status(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f("not understood", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	f("502 Bad Gateway", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	f("503 Service Unavailable", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(503)
		io.WriteString(w, strings.Repeat("[", 1<<17))
	})
	f("larger than 64 MiB", func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 1<<20)
		for range 65 {
			w.Write(part)
		}
	})
}

// One photo of an export is bounded, however many there may be.
func TestStrangeExport(t *testing.T) {
	f := func(want string, answer http.HandlerFunc) {
		t.Helper()
		var last error
		for _, err := range stranger(t, answer).ExportedTags(t.Context()) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), want) {
			t.Errorf("got %v, want %s", last, want)
		}
	}
	f("invalid character", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "path,tag\n") })
	f("broke the export off", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}\n{\"id\"") })
	f("one photo takes more than 8 MiB", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"path":"`)
		part := []byte(strings.Repeat("a", 1<<20))
		for range 9 {
			w.Write(part)
		}
	})
}

func stranger(t *testing.T, answer http.HandlerFunc) *api.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	check(t, err)
	server := &http.Server{Handler: answer}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	client := &api.Client{Socket: socket}
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-ended
	})
	return client
}

func TestEvents(t *testing.T) {
	library := servertest.New()
	for range 300 {
		library.Emit("photo_encoded", 1)
	}
	client := servertest.Serve(t, library)
	next := int64(0)
	for event, err := range client.Events(t.Context(), 0) {
		check(t, err)
		if next++; event.Change != next {
			t.Fatalf("change %d, want %d", event.Change, next)
		}
		if next == 300 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range client.Events(ctx, 299) {
		if err == nil {
			cancel()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestEventsEndWithTheDaemon(t *testing.T) {
	client := stranger(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, ": connected\n\nid: 1\ndata: {\"change\":1}\n\n")
	})
	var events int
	for event, err := range client.Events(t.Context(), -1) {
		if err == nil {
			events += int(event.Change)
			continue
		}
		if err != io.EOF {
			t.Errorf("got %v", err)
		}
	}
	if events != 1 {
		t.Errorf("%d events", events)
	}
}
