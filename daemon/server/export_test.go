package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/server"
	"vsed/daemon/server/servertest"
)

func tagged(id int64, names ...string) api.Photo {
	photo := api.Photo{ID: id, Path: api.NewPath("/p/\xff.jpg"), Paths: []api.Path{api.NewPath("/p/\xff.jpg"), api.NewPath("/p/b.jpg")}, Digest: "0a", State: api.StateEncoded}
	for _, name := range names {
		photo.Tags = append(photo.Tags, api.Tag{Name: name, Source: "user"})
	}
	return photo
}

func TestExport(t *testing.T) {
	client := servertest.Serve(t, servertest.New(tagged(1, "dog", `@a"b`), tagged(2)))
	f := func(target, kind, want string) {
		t.Helper()
		status, header, got := ask(t, client, "GET", target, "")
		if status != 200 || got != want || header.Get("Content-Type") != kind {
			t.Errorf("%s: got %d %s\n%swant %s", target, status, header.Get("Content-Type"), got, want)
		}
	}
	const rows = `"path","path_base64","digest","tag","source","note"` + "\r\n" +
		`"/p/�.jpg","L3Av/y5qcGc=","0a","dog","user",""` + "\r\n" + `"/p/�.jpg","L3Av/y5qcGc=","0a","'@a""b","user",""` + "\r\n" +
		`"/p/b.jpg","","0a","dog","user",""` + "\r\n" + `"/p/b.jpg","","0a","'@a""b","user",""` + "\r\n"
	f("/v1/tags/export", "text/csv; charset=utf-8", rows)
	f("/v1/tags/export?format=csv", "text/csv; charset=utf-8", rows)
	f("/v1/tags/export?format=json", "application/x-ndjson", `{"id":1,"path":"/p/�.jpg","path_base64":"L3Av/y5qcGc=","paths":[{"path":"/p/�.jpg","path_base64":"L3Av/y5qcGc="},{"path":"/p/b.jpg"}],`+
		`"tags":[{"name":"dog","source":"user"},{"name":"@a\"b","source":"user"}],"state":"encoded","digest":"0a"}`+"\n")
	empty := servertest.Serve(t, servertest.New())
	status, header, got := ask(t, empty, "GET", "/v1/tags/export?format=json", "")
	if status != 200 || got != "" || header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("nothing tagged: %d %s %q", status, header.Get("Content-Type"), got)
	}
}

// What fails before anything is sent is a refusal; after that, a broken answer.
func TestExportFails(t *testing.T) {
	library := servertest.New()
	library.Failure = errors.New("the disk failed")
	client := servertest.Serve(t, library)
	if status, header, got := ask(t, client, "GET", "/v1/tags/export", ""); status != 500 || header.Get("Content-Type") != "application/problem+json" || strings.Contains(got, "disk") {
		t.Errorf("got %d %s %s", status, header.Get("Content-Type"), got)
	}
	for id := range int64(2000) {
		library.Photos = append(library.Photos, tagged(id, "dog"))
	}
	photos := 0
	for _, err := range client.ExportedTags(t.Context()) {
		if err == nil {
			photos++
			continue
		}
		if !strings.Contains(err.Error(), "broke the export off") {
			t.Errorf("got %v", err)
		}
	}
	if photos == 0 || photos == 2000 {
		t.Errorf("%d photos", photos)
	}
	var text strings.Builder
	if err := client.ExportTagsCSV(t.Context(), &text); err == nil || text.Len() == 0 {
		t.Errorf("%d bytes of CSV, %v", text.Len(), err)
	}
}

// A long export outlives the bounds of a request, as long as each part is read;
// one that nobody reads is given up, and holds up no end.
func TestExportTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		library := &slow{Library: servertest.New(), given: make(chan error, 2)}
		go func() {
			ended <- server.New(library, library, &servertest.Encoders{}, &servertest.Learning{}, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
		}()
		patient := listener.dial()
		defer patient.Close()
		start := time.Now()
		fmt.Fprintf(patient, "GET /v1/tags/export HTTP/1.0\r\nHost: vsed\r\n\r\n")
		answer, err := io.ReadAll(patient)
		if err != nil || strings.Count(string(answer), "\r\n\"/p/b.jpg\"") != 100 || time.Since(start) < 5*time.Minute {
			t.Errorf("%d bytes after %s, %v", len(answer), time.Since(start), err)
		}
		if err := <-library.given; err != nil {
			t.Error(err)
		}
		idle := listener.dial()
		defer idle.Close()
		fmt.Fprintf(idle, "GET /v1/tags/export HTTP/1.0\r\nHost: vsed\r\n\r\n")
		if err := <-library.given; err == nil {
			t.Error("nobody read, and all was sent")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// slow yields 100 photos of several hundred bytes, five seconds apart.
type slow struct {
	*servertest.Library
	given chan error
}

func (s *slow) ExportTags(ctx context.Context, yield func(api.Photo) error) (err error) {
	defer func() { s.given <- err }()
	for id := range int64(100) {
		time.Sleep(5 * time.Second)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(tagged(id, strings.Repeat("a", 600))); err != nil {
			return err
		}
	}
	return nil
}

func TestExportIsGoneWithItsClient(t *testing.T) {
	library := servertest.New()
	for id := range int64(20_000) {
		library.Photos = append(library.Photos, tagged(id, "dog"))
	}
	client := servertest.Serve(t, library)
	for _, err := range client.ExportedTags(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if status, _, _ := ask(t, client, http.MethodGet, "/v1/quarantine", ""); status != 200 {
		t.Errorf("got %d", status)
	}
}
