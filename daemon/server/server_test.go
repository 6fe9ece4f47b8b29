package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/api"
	"vsed/daemon/server"
	"vsed/daemon/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask sends one request over the socket of client and returns status, headers
// and body.
func ask(t *testing.T, client *api.Client, method, target, body string) (int, http.Header, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", client.Socket)
	}}
	request, err := http.NewRequest(method, "http://vsed"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(content)
}

// Scripts rely on these shapes: nothing added, nothing null.
func TestShapes(t *testing.T) {
	library := servertest.New(api.Photo{ID: 7, Path: api.NewPath("/p/\xff.jpg"), State: api.StateEncoded})
	library.Answer = api.SearchResult{Hits: []api.Hit{{Photo: library.Photos[0], Score: 0.5}}, GoodMatch: true}
	client := servertest.Serve(t, library)
	f := func(method, target, body string, status int, want string) {
		t.Helper()
		gotStatus, _, got := ask(t, client, method, target, body)
		if gotStatus != status || strings.TrimSpace(got) != want {
			t.Errorf("%s %s:\ngot  %d %s\nwant %d %s", method, target, gotStatus, got, status, want)
		}
	}
	const photo = `"id":7,"path":"/p/�.jpg","path_base64":"L3Av/y5qcGc=","paths":[],"tags":[],"state":"encoded"`
	f("GET", "/v1/search?q=dog", "", 200, `{"hits":[{`+photo+`,"score":0.5,"matches":[],"ranked":false}],"next":"","good_match":true}`)
	f("POST", "/v1/pictures", "\xff\xd8", 200, `{"like":"sha256:71563ad80061407ede9c6f316836284bd3710a520c5a792b5eda1cb703690815"}`)
	f("POST", "/v1/pictures", "text", 422, `{"status":422,"title":"Unprocessable Entity","detail":"the picture cannot be read: it is none"}`)
	f("GET", "/v1/photos/7", "", 200, `{`+photo+`}`)
	f("GET", "/v1/photos?path_base64=L3Av/y5qcGc%3D", "", 200, `{"photos":[{`+photo+`}]}`)
	f("GET", "/v1/photos?path=/none", "", 200, `{"photos":[]}`)
	f("GET", "/v1/photos/7/tags", "", 200, `{"tags":[]}`)
	f("POST", "/v1/photos/7/tags", `{"names":["dog","a,b"]}`, 200, `{"tags":[{"name":"a,b","source":"user"},{"name":"dog","source":"user"}]}`)
	f("DELETE", "/v1/photos/7/tags?name=dog&name=a,b", "", 200, `{"tags":[]}`)
	f("GET", "/v1/folders", "", 200, `{"folders":[]}`)
	const counts = `{"total":0,"encoded":0,"waiting":0,"quarantined":0,"offline":0,"missing":0,"ignored":0,"offline_encoded":0}`
	f("POST", "/v1/folders", `{"path":"/p/"}`, 200, `{"path":"/p","state":"online","mode":"watching","lag_seconds":0,"photos":`+counts+`}`)
	f("DELETE", "/v1/folders?path=/p", "", 204, ``)
	f("GET", "/v1/status", "", 200, `{"ready":false,"version":"","photos":`+counts+`,"rate":0,"change":2,"encoder":{"space":"","name":"","provider":""},"decoder":{"name":""},"folders":[],"quarantined":[],"sidecars":[],"unreadable_sidecars":0}`)
	f("GET", "/v1/photos/7/thumbnail", "", 200, `RIFF`)
	f("GET", "/v1/quarantine", "", 200, `{"files":[],"next":""}`)
	library.Quarantined = []api.QuarantinedFile{
		{ID: 3, Path: api.NewPath("/p/a"), Reason: "no picture", Attempts: 1},
		{ID: 5, Path: api.NewPath("/p/b"), Reason: "crashed", Attempts: 2, LastAttempt: "2026-03-01T12:30:00Z", NextAttempt: "2026-03-01T13:30:00Z"},
	}
	const first, second = `{"id":3,"path":"/p/a","reason":"no picture","attempts":1}`,
		`{"id":5,"path":"/p/b","reason":"crashed","attempts":2,"last_attempt":"2026-03-01T12:30:00Z","next_attempt":"2026-03-01T13:30:00Z"}`
	f("GET", "/v1/quarantine?limit=1", "", 200, `{"files":[`+first+`],"next":"3"}`)
	f("GET", "/v1/quarantine?limit=1&cursor=3", "", 200, `{"files":[`+second+`],"next":""}`)
	f("GET", "/v1/quarantine?limit=2", "", 200, `{"files":[`+first+`,`+second+`],"next":""}`)
	f("GET", "/v1/quarantine/5", "", 200, second)
	f("POST", "/v1/quarantine/retry", `{"ids":[3,4]}`, 200, `{"retried":1}`)
	f("POST", "/v1/quarantine/retry", `{"ids":[]}`, 200, `{"retried":1}`)
}

// Every refusal is problem+json with one line that says what is wrong.
func TestRefusals(t *testing.T) {
	client := servertest.Serve(t, servertest.New())
	f := func(method, target, body string, status int, want string) {
		t.Helper()
		gotStatus, header, got := ask(t, client, method, target, body)
		var problem api.Error
		if err := json.Unmarshal([]byte(got), &problem); err != nil {
			t.Errorf("%s %.60s: %v in %q", method, target, err, got)
		}
		if gotStatus != status || problem.Status != status || !strings.Contains(problem.Detail, want) || strings.Contains(problem.Detail, "\n") {
			t.Errorf("%s %.60s: got %d %s, want %d %s", method, target, gotStatus, got, status, want)
		}
		if kind := header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s %.60s: content type %q", method, target, kind)
		}
	}
	f("GET", "/v1/search", "", 422, "the query is empty")
	f("GET", "/v1/search?q=%20%0a", "", 422, "the query is empty")
	f("GET", "/v1/search?q=%ff", "", 422, "not valid UTF-8")
	f("GET", "/v1/search?q="+strings.Repeat("a", api.MaxQueryBytes+1), "", 414, "16385 bytes: at most 16384")
	f("GET", "/v1/search?q=a&limit=0", "", 422, "limit: ")
	f("GET", "/v1/search?q=a&limit=1001", "", 422, "limit: ")
	f("GET", "/v1/search?q=a&limit=few", "", 422, "limit: ")
	f("GET", "/v1/search?q=a&limt=3", "", 422, "limt: unknown query parameter")
	f("GET", "/v1/search?q=a&cursor=damaged", "", 422, "the cursor is damaged")
	f("GET", "/v1/photos/9", "", 404, "no photo has the number 9")
	f("GET", "/v1/photos/none", "", 422, "id: ")
	f("GET", "/v1/photos/0", "", 422, "id: ")
	f("GET", "/v1/photos?path=a.jpg", "", 422, `"a.jpg" is not an absolute path`)
	f("GET", "/v1/photos?path=/a%00b", "", 422, "zero byte")
	f("GET", "/v1/photos?path_base64=%25", "", 422, "path_base64 is damaged")
	f("GET", "/v1/photos", "", 422, "no path is given")
	f("POST", "/v1/folders", `{"path":"photos"}`, 422, "not an absolute path")
	f("POST", "/v1/folders", `{"pth":"/photos"}`, 422, "pth: unexpected property")
	f("POST", "/v1/folders", `{`, 400, "")
	f("POST", "/v1/folders", `{"path":"/`+strings.Repeat("a", 1<<20)+`"}`, 413, "too large")
	f("POST", "/v1/photos/1/tags", `{"names":[]}`, 422, "names: ")
	f("POST", "/v1/photos/1/tags", `{"names":[" "]}`, 422, "a tag is empty")
	f("POST", "/v1/photos/1/tags", `{"names":["\u001b[2J"]}`, 422, "control character")
	f("POST", "/v1/photos/1/tags", "{\"names\":[\"caf\xe9\"]}", 422, "the tag \"caf\uFFFD\" is not valid UTF-8")
	f("POST", "/v1/photos/1/tags", `{"names":["`+strings.Repeat("a", 257)+`"]}`, 422, "257 bytes")
	f("DELETE", "/v1/photos/1/tags", "", 422, "name: ")
	f("GET", "/v1/quarantine?cursor=0", "", 422, "the cursor is damaged")
	f("GET", "/v1/quarantine?cursor=3a", "", 422, "the cursor is damaged")
	f("GET", "/v1/quarantine?limit=1001", "", 422, "limit: ")
	f("GET", "/v1/quarantine/9", "", 404, "no file with the number 9 is set aside")
	f("GET", "/v1/quarantine/all", "", 422, "id: ")
	f("POST", "/v1/quarantine/retry", `{}`, 422, "required property ids")
	f("POST", "/v1/quarantine/retry", `{"ids":null}`, 422, "ids: ")
	f("POST", "/v1/quarantine/retry", `{"ids":["a"]}`, 422, "ids[0]: ")
	f("GET", "/v1/tags/export?format=xml", "", 422, "format: ")
	f("GET", "/v1/events?after=-2", "", 422, "after: ")
	f("GET", "/v1/nothing", "", 404, "no such address")
	f("PUT", "/v1/status", "", 405, "use GET")
	f("GET", "/docs", "", 404, "no such address")
}

func TestLongQueries(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	for _, query := range []string{strings.Repeat("a dog ", 10<<10/6), strings.Repeat("🐕", api.MaxQueryBytes/4), "🐶", `"unbalanced AND (`} {
		if _, err := client.Search(t.Context(), query, 0, ""); err != nil {
			t.Errorf("%d bytes: %v", len(query), err)
		}
		if got := library.Queries[len(library.Queries)-1]; got != query {
			t.Errorf("%d bytes arrived as %d", len(query), len(got))
		}
	}
}

// The cause of a failure is for the log, where no query belongs; the client is
// not told it.
func TestFailuresStayInside(t *testing.T) {
	library := servertest.New(api.Photo{ID: 1})
	library.Failure = errors.New("the catalogue is locked")
	var log bytes.Buffer
	socket := filepath.Join(t.TempDir(), "s")
	stop := serve(t, library, socket, slog.New(slog.NewTextHandler(&log, nil)))
	client := &api.Client{Socket: socket}
	_, err := client.Search(t.Context(), "my secret", 0, "")
	client.Close()
	stop()
	var refusal *api.Error
	if !errors.As(err, &refusal) || refusal.Status != 500 || strings.Contains(refusal.Detail, "locked") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "the catalogue is locked") || strings.Contains(log.String(), "secret") {
		t.Errorf("log: %s", log.String())
	}
}

func TestDebugLogNamesRouteAndUserOnly(t *testing.T) {
	var log bytes.Buffer
	socket := filepath.Join(t.TempDir(), "s")
	stop := serve(t, servertest.New(), socket, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	client := &api.Client{Socket: socket}
	if _, err := client.Search(t.Context(), "secret", 0, ""); err != nil {
		t.Fatal(err)
	}
	client.Close()
	stop()
	if got := log.String(); !strings.Contains(got, `route="GET /v1/search" status=200`) || strings.Contains(got, "uid=-1") || strings.Contains(got, "secret") {
		t.Errorf("log: %s", got)
	}
}

func serve(t *testing.T, library *servertest.Library, socket string, log *slog.Logger) (stop func()) {
	t.Helper()
	listener, err := server.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- server.New(library, library, &library.Shelf, &library.School, log).Serve(ctx, listener)
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A stream names each change by its number, goes on after Last-Event-ID, and
// ends when the server does.
func TestEventStream(t *testing.T) {
	library := servertest.New()
	for range 3 {
		library.Emit("photo_encoded", 5)
	}
	socket := filepath.Join(t.TempDir(), "s")
	stop := serve(t, library, socket, slog.New(slog.DiscardHandler))
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/events?after=0 HTTP/1.0\r\nHost: vsed\r\nLast-Event-ID: 2\r\n\r\n")
	const want = ": connected\n\nid: 3\ndata: {\"change\":3,\"kind\":\"photo_encoded\",\"photo\":5}\n\n"
	got := readUntil(t, conn, want)
	if !strings.Contains(got, "Content-Type: text/event-stream") {
		t.Errorf("headers: %s", got)
	}
	stop()
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end of the server: %v", err)
	}
}

func readUntil(t *testing.T, conn net.Conn, want string) string {
	t.Helper()
	var got []byte
	part := make([]byte, 4096)
	for !strings.HasSuffix(string(got), want) {
		n, err := conn.Read(part)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, part[:n]...)
	}
	return string(got)
}

// An idle stream says something every half minute. The connection is a pipe, so
// that time can be the test's own.
func TestIdleStreamIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		library := servertest.New()
		ended := make(chan error, 1)
		go func() {
			ended <- server.New(library, library, &library.Shelf, &library.School, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
		}()
		conn := listener.dial()
		defer conn.Close()
		start := time.Now()
		fmt.Fprintf(conn, "GET /v1/events HTTP/1.0\r\nHost: vsed\r\n\r\n")
		readUntil(t, conn, ": still here\n\n: still here\n\n: still here\n\n")
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("three signs of life took %s", took)
		}
		cancel()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after the end of the server: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	near, far := net.Pipe()
	l.conns <- far
	return near
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A search that never ends does not keep the server from ending.
func TestShutdownCutsOffWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- server.New(hanging{}, servertest.New(), &servertest.Encoders{}, &servertest.Learning{}, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
		}()
		conn := listener.dial()
		defer conn.Close()
		fmt.Fprintf(conn, "GET /v1/search?q=a HTTP/1.0\r\nHost: vsed\r\n\r\n")
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// Clients that send a picture and go silent keep others waiting for a while only, and
// no more than two pictures lie in memory.
func TestSilentClientsGiveUpTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		library, ended := servertest.New(), make(chan error, 1)
		go func() {
			ended <- server.New(library, library, &library.Shelf, &library.School, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
		}()
		start := time.Now()
		send := func(body string) net.Conn {
			conn := listener.dial()
			fmt.Fprintf(conn, "POST /v1/pictures HTTP/1.0\r\nHost: vsed\r\nContent-Length: 4\r\n\r\n")
			go fmt.Fprint(conn, body) // the pipe takes it when it is read
			return conn
		}
		status := func(conn net.Conn, want int, after time.Duration) {
			t.Helper()
			defer conn.Close()
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); response.StatusCode != want || took != after {
				t.Errorf("%s after %s, want %d after %s", response.Status, took, want, after)
			}
		}
		silent := []net.Conn{send("\xff"), send("\xff")}
		<-time.After(time.Second)
		third := send("\xff\xd8..")
		for _, conn := range silent {
			status(conn, http.StatusRequestTimeout, 30*time.Second)
		}
		status(third, http.StatusOK, 30*time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type hanging struct{}

func (hanging) Search(ctx context.Context, _ api.SearchRequest) (api.SearchResult, error) {
	<-ctx.Done()
	return api.SearchResult{}, ctx.Err()
}

// A search that never ends is answered in the end, with what to do.
func TestSlowSearchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- server.New(hanging{}, servertest.New(), &servertest.Encoders{}, &servertest.Learning{}, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
		}()
		conn := listener.dial()
		defer conn.Close()
		fmt.Fprintf(conn, "GET /v1/search?q=a HTTP/1.0\r\nHost: vsed\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(answer), "503") || !strings.Contains(string(answer), "did not answer within 30s") {
			t.Errorf("%v: %s", err, answer)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The document describes the objects as they are sent.
func TestOpenAPI(t *testing.T) {
	client := servertest.Serve(t, servertest.New())
	status, _, text := ask(t, client, "GET", "/v1/openapi.json", "")
	var document struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
	f := func(path string, methods ...string) {
		t.Helper()
		for _, method := range methods {
			if document.Paths[path][method] == nil {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	f("/v1/search", "get")
	f("/v1/status", "get")
	f("/v1/photos", "get")
	f("/v1/photos/{id}", "get")
	f("/v1/photos/{id}/tags", "get", "post", "delete")
	f("/v1/photos/{id}/thumbnail", "get")
	f("/v1/folders", "get", "post", "delete")
	f("/v1/events", "get")
	f("/v1/quarantine", "get")
	f("/v1/quarantine/{id}", "get")
	f("/v1/quarantine/retry", "post")
	f("/v1/tags/export", "get")
	for _, name := range []string{"id", "path", "path_base64", "paths", "tags", "state", "score"} {
		if document.Components.Schemas["Hit"].Properties[name] == nil {
			t.Errorf("a hit's %s is not described", name)
		}
	}
	if at := strings.Index(text, `"null"`); at >= 0 {
		t.Errorf("something may be null: %s", text[max(0, at-200):at+100])
	}
	if strings.Contains(text, "$schema") {
		t.Error("the document speaks of schema links")
	}
}
