package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/cli/hub/hubtest"
	"vsed/encoders/tinyclip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "example/Tiny__random"

// model writes a model as it lies on a hub, with files for other runtimes.
func model(t *testing.T, o tinyclip.Options) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "model")
	if err := tinyclip.Write(folder, o); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"README.md", ".gitattributes", "visual/rknpu/rk3588/model.rknn", "visual/model.armnn", "visual/fp16/model.armnn", "textual/merges.txt", "textual/vocab.json"} {
		path := filepath.Join(folder, other)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("other "+other), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// A fixture is a hub with one model, and what a download asks of it.
type fixture struct {
	*testing.T
	source, into string
	server       *hubtest.Hub
	hub          *Hub
	pauses       []time.Duration
	notes        []string
}

func newFixture(t *testing.T, o tinyclip.Options) *fixture {
	f := &fixture{T: t, source: model(t, o), into: filepath.Join(t.TempDir(), "cache")}
	f.server = hubtest.New(t, map[string]string{name: f.source})
	f.hub = &Hub{
		Address: f.server.URL,
		Pause:   func(ctx context.Context, d time.Duration) error { f.pauses = append(f.pauses, d); return ctx.Err() },
		Note:    func(line string) { f.notes = append(f.notes, line) },
	}
	t.Cleanup(f.hub.Close)
	return f
}

func (f *fixture) download() error {
	f.Helper()
	reference, err := ParseReference(name)
	if err != nil {
		f.Fatal(err)
	}
	found, err := f.hub.Find(f.Context(), reference)
	if err != nil {
		return err
	}
	return f.hub.Download(f.Context(), found, f.into, func(int64) {})
}

// whole fails where the download is not what the hub has and an encoder needs.
func (f *fixture) whole() {
	f.Helper()
	var files int
	err := fs.WalkDir(os.DirFS(f.into), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		got, err := os.ReadFile(filepath.Join(f.into, path))
		if err != nil {
			return err
		}
		want, err := os.ReadFile(filepath.Join(f.source, path))
		if err == nil && !slices.Equal(got, want) {
			f.Errorf("%s is not what the hub has", path)
		}
		return err
	})
	if want := len(f.found().Files); err != nil || files != want {
		f.Errorf("%d files, want %d (%v)", files, want, err)
	}
}

func (f *fixture) found() Model {
	f.Helper()
	found, err := f.hub.Find(context.Background(), Reference{"example", "Tiny__random", "main"})
	if err != nil {
		f.Fatal(err)
	}
	return found
}

func TestDownloadsWhatAnEncoderNeeds(t *testing.T) {
	for _, o := range []tinyclip.Options{{}, {Newer: true}} {
		f := newFixture(t, o)
		f.server.PageSize = 4
		if err := f.download(); err != nil {
			t.Fatal(err)
		}
		f.whole()
		var paths []string
		for _, file := range f.found().Files {
			paths = append(paths, file.Path)
		}
		want := required()
		if o.Newer {
			want = append(want, "visual/model.onnx.data", "textual/model.onnx.data")
		}
		slices.Sort(want)
		if !slices.Equal(paths, want) {
			t.Errorf("files %q, want %q", paths, want)
		}
		if found := f.found(); found.Commit != hubtest.Commit || found.Licence != "mit" {
			t.Errorf("found %+v", found)
		}
		asked := len(f.server.Asked("/resolve/"))
		if err := f.download(); err != nil || len(f.server.Asked("/resolve/")) != asked {
			t.Errorf("a second download asks for files again: %v", err)
		}
	}
}

func TestTokenStaysWithTheHub(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	f.hub.Token = "hf_secret"
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	var front, store int
	for _, request := range f.server.Asked("") {
		sent := request.Header.Get("Authorization")
		if "http://"+request.Host == f.server.Store {
			store++
			if sent != "" || request.Header.Get("Referer") != "" {
				t.Errorf("%s on the other host is sent %q", request.URL.Path, sent)
			}
			continue
		}
		front++
		if sent != "Bearer hf_secret" {
			t.Errorf("%s is sent %q", request.URL.Path, sent)
		}
	}
	if front == 0 || store == 0 {
		t.Errorf("%d requests to the hub, %d to the other host", front, store)
	}
}

// large is the file on which faults are played.
const largeFile = "visual/model.onnx"

// breakOff answers requests for a file with the half of what is asked for, n times.
func breakOff(path string, source string, times int64) func(http.ResponseWriter, *http.Request) bool {
	var left atomic.Int64
	left.Store(times)
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, path) || r.URL.Query().Get("signature") == "" || left.Add(-1) < 0 {
			return false
		}
		content, err := os.ReadFile(filepath.Join(source, path))
		if err != nil {
			panic(err)
		}
		from := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(content[from : from+(len(content)-from)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestTruncationGoesOnWhereItBrokeOff(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	f.server.SetFault(breakOff(largeFile, f.source, 8)) // more than the tries without progress
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	f.whole()
	asked := f.server.Asked("/resolve/" + hubtest.Commit + "/" + largeFile)
	if last := asked[len(asked)-1].Header.Get("Range"); last == "" || last == "bytes=0-" {
		t.Errorf("the last request asks for the range %q", last)
	}
	if len(f.pauses) != 8 || f.pauses[7] != firstPause {
		t.Errorf("pauses %v", f.pauses)
	}
}

func TestASecondRunGoesOn(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	found := f.found()
	err := f.hub.Download(ctx, found, f.into, func(done int64) {
		if done > found.Bytes()*9/10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	f.whole()
}

func TestServersThatKnowNoRanges(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	half := breakOff(largeFile, f.source, 1)
	f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if half(w, r) {
			return true
		}
		r.Header.Del("Range")
		return false
	})
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	f.whole()
}

// An earlier try may have left anything in the partial file.
func TestWhatAnEarlierTryLeft(t *testing.T) {
	for _, left := range []string{"wrong", strings.Repeat("wrong", 1<<20)} {
		f := newFixture(t, tinyclip.Options{})
		path := filepath.Join(f.into, largeFile+partial)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(left), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := f.download(); err != nil {
			t.Fatal(err)
		}
		f.whole()
	}
}

func TestBusyHubs(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	var asked atomic.Int64
	f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		switch asked.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		case 2, 4, 5:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	f.whole()
	if want := []time.Duration{7 * time.Second, 2 * time.Second, time.Second, 2 * time.Second}; !slices.Equal(f.pauses, want) {
		t.Errorf("pauses %v, want %v", f.pauses, want)
	}
	if want := "the hub answers 429 Too Many Requests to " + name + "@main; again in 7s"; f.notes[0] != want {
		t.Errorf("notes %q, want %q", f.notes[0], want)
	}
}

func TestAHubThatStandsStill(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	f.hub.Stall = 20 * time.Millisecond
	var asked atomic.Int64
	f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, largeFile) || r.URL.Query().Get("signature") == "" || asked.Add(1) > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(f.size(largeFile)))
		_, _ = w.Write([]byte{1})
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	if err := f.download(); err != nil {
		t.Fatal(err)
	}
	if len(f.notes) == 0 || !strings.Contains(f.notes[0], "nothing came for 20ms") {
		t.Errorf("notes %q", f.notes)
	}
	f.whole()
}

func (f *fixture) size(path string) int64 {
	info, err := os.Stat(filepath.Join(f.source, path))
	if err != nil {
		f.Fatal(err)
	}
	return info.Size()
}

// refused expects a download to end with an error of want's type, in one line that
// holds the text, and with the wrong file not in its place.
func refused[E error](t *testing.T, text string, change func(*fixture)) {
	t.Helper()
	f := newFixture(t, tinyclip.Options{})
	change(f)
	err := f.download()
	var want E
	if !errors.As(err, &want) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %T %v, want a %v with %q", err, err, reflect.TypeFor[E](), text)
	}
	if _, err := os.Lstat(filepath.Join(f.into, largeFile)); err == nil {
		t.Errorf("%q: the file is in its place", text)
	}
}

// answers makes every request for a part of a path fail in one way.
func answers(part string, status int, header, body string) func(*fixture) {
	return func(f *fixture) {
		f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, part) {
				return false
			}
			if key, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(key, value)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		})
	}
}

// edits changes the listed entry of a file.
func edits(path, key string, value any) func(*fixture) {
	return func(f *fixture) {
		f.server.Edit = func(entries []map[string]any) []map[string]any {
			for _, entry := range entries {
				if entry["path"] != path {
					continue
				}
				if lfs, ok := entry["lfs"].(map[string]any); ok && key != "path" {
					entry = lfs
				}
				entry[key] = value
			}
			return entries
		}
	}
}

func TestRefusals(t *testing.T) {
	refused[*MissingError](t, "the hub has no "+name+"@main", answers("/revision/", 404, "", ""))
	refused[*DeniedError](t, "give a token with HF_TOKEN", answers("/revision/", 401, "", ""))
	refused[*DeniedError](t, "the token does not allow it", func(f *fixture) {
		f.hub.Token = "secret"
		answers("/resolve/", 403, "", "")(f)
	})
	refused[*BusyError](t, "503 Service Unavailable to "+name, answers("/tree/", 503, "", ""))
	refused[*BusyError](t, "429 Too Many Requests", answers(largeFile, 429, "Retry-After: 86400", ""))
	refused[*PageError](t, "came a web page", answers("/revision/", 200, "Content-Type: text/html; charset=utf-8", "<html>Log in"))
	refused[*PageError](t, "for "+largeFile+" came a web page", answers(largeFile, 200, "Content-Type: text/html", "<html>Log in"))
	refused[*PageError](t, "an answer that is not understood", answers("/tree/", 200, "Content-Type: application/json", "[{"))
	refused[*PageError](t, "names no commit", answers("/revision/", 200, "Content-Type: application/json", `{"sha":"../x"}`))
	refused[*PageError](t, "another part than was asked for", func(f *fixture) {
		path := filepath.Join(f.into, largeFile+partial)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("begun"), 0o600)); err != nil {
			t.Fatal(err)
		}
		answers(largeFile, 206, "Content-Range: bytes 0-9/10", "0123456789")(f)
	})
	refused[*PageError](t, "a listing without its digest", edits(largeFile, "oid", "none"))
	refused[*DigestError](t, largeFile+" has the digest", edits(largeFile, "oid", strings.Repeat("0", 64)))
	refused[*DigestError](t, "config.json has the digest", edits("config.json", "oid", strings.Repeat("0", 40)))
	refused[*SizeError](t, "the hub lists 1", edits(largeFile, "size", 1))
	refused[*SizeError](t, "the hub lists 1099511627776 bytes", edits(largeFile, "size", int64(1)<<40))
	refused[*SizeError](t, "the hub lists -1 bytes", edits(largeFile, "size", -1))
	refused[*PathError](t, `"../../.bashrc"`, edits("README.md", "path", "../../.bashrc"))
	refused[*PathError](t, `"/etc/passwd"`, edits("README.md", "path", "/etc/passwd"))
	refused[*PathError](t, `"visual/../x"`, edits("README.md", "path", "visual/../x"))
	refused[*PathError](t, `visual\\..\\x`, edits("README.md", "path", `visual\..\x`))
	refused[*PathError](t, "config.json", edits("README.md", "path", "config.json"))
	refused[*LayoutError](t, "it lacks config.json", edits("config.json", "path", "other.json"))
	refused[*RedirectError](t, "more than 10 times", func(f *fixture) {
		f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		})
	})
	refused[*RedirectError](t, "it leads to ftp:", answers("/revision/", 302, "Location: ftp://example.org/", ""))
	refused[*RedirectError](t, "on another host", answers("/tree/", 200, `Link: <http://example.org/?secret>; rel="next"`, "[]"))
	refused[*TruncatedError](t, largeFile+" broke off after 0 of", func(f *fixture) {
		f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, largeFile) {
				return false
			}
			w.Header().Set("Content-Length", fmt.Sprint(f.size(largeFile)))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
	})
}

// A body may be longer than its listing without a word on it before.
func TestEndlessFile(t *testing.T) {
	refused[*SizeError](t, "is longer than the", func(f *fixture) {
		f.server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, largeFile) {
				return false
			}
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return true
				}
			}
		})
	})
}

func TestNoRoom(t *testing.T) {
	err := room(Model{Files: []File{{Path: "a", Size: 1 << 60}}}, t.TempDir())
	var full *RoomError
	if !errors.As(err, &full) || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
		t.Error(err)
	}
}

func TestOneDownloadAtATime(t *testing.T) {
	f := newFixture(t, tinyclip.Options{})
	unlock, err := lock(f.into)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.download(); err == nil || !strings.Contains(err.Error(), "another vsectl downloads") {
		t.Error(err)
	}
	unlock()
	if err := f.download(); err != nil {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	var pauses int
	h := Hub{Address: "http://127.0.0.1:1", Pause: func(context.Context, time.Duration) error { pauses++; return nil }}
	defer h.Close()
	_, err := h.Find(t.Context(), Reference{"a", "b", "main"})
	if err == nil || !strings.Contains(err.Error(), "--mirror names another hub, --from a folder") || pauses != mostTries-1 {
		t.Errorf("%v after %d pauses", err, pauses)
	}
}

func TestReferences(t *testing.T) {
	f := func(text string, want Reference) {
		t.Helper()
		got, err := ParseReference(text)
		if (err == nil) != (want != Reference{}) || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	f("immich-app/ViT-B-32__openai", Reference{"immich-app", "ViT-B-32__openai", "main"})
	f("a/b@v1.0", Reference{"a", "b", "v1.0"})
	f("a/b@refs/pr/1", Reference{"a", "b", "refs/pr/1"})
	for _, wrong := range []string{"", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a /b", "https://x/a/b", "-a/b", "a/b@-x"} {
		f(wrong, Reference{})
	}
	if got := (Reference{Name: "ViT-B-32__openai"}).EncoderName(); got != "vit-b-32__openai" {
		t.Error(got)
	}
}
