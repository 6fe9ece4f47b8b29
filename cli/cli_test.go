package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	libcli "github.com/urfave/cli/v2"
	"go.uber.org/goleak"

	"vsed/cli/evaluation"
	"vsed/cli/table"
	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
	"vsed/index/evaluate"
)

var update = flag.Bool("update", false, "write the expected outputs of testdata anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC // times are shown in the user's zone
	goleak.VerifyTestMain(m)
}

// golden compares what a command printed with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%swant\n%s", name, got, want)
	}
}

// hostile is a name that, shown as it is, would clear the screen, and that is
// not UTF-8.
const hostile = "/photos/\x1b[2J\u202egpj\n\xff.jpg"

// now is when the tests' outputs are made.
func now() time.Time { return time.Date(2026, 3, 1, 12, 34, 0, 0, time.UTC) }

func photo(id int64, path string, tags ...string) api.Photo {
	p := api.Photo{ID: id, Path: api.NewPath(path), Paths: []api.Path{api.NewPath(path)}, Tags: []api.Tag{}, State: api.StateEncoded}
	for _, name := range tags {
		p.Tags = append(p.Tags, api.Tag{Name: name, Source: "user"})
	}
	return p
}

func found() api.SearchResult {
	copied := photo(7, "/photos/2019/summer/holiday at the sea/dog on beach.jpg", "dog", "beach", "sea", "sand", "holiday", "summer")
	copied.Paths = append(copied.Paths, api.NewPath("/photos/backup/dog on beach.jpg"))
	offline := photo(1234, "/media/disk/写真/犬.jpg", "犬")
	offline.State = api.StateOffline
	return api.SearchResult{
		Hits: []api.Hit{
			{Photo: copied, Score: 0.0328, Ranked: true, Matches: []api.Match{
				{Word: "dog", Field: api.FieldTag, Texts: []string{"dog"}}, {Word: "dog", Field: api.FieldName, Texts: []string{"dog on beach.jpg"}},
			}},
			{Photo: offline, Score: 0.0161, Similar: 4, Ranked: true},
			{Photo: photo(12, hostile, "\x1b]0;x\a"), Score: 0.0159, Ranked: true},
		},
		Next: "eyJhIjoxfQ", GoodMatch: true,
	}
}

func TestSearchTables(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	f := func(name string, width int, asJSON bool, result api.SearchResult, code int) {
		t.Helper()
		library.Answer = result
		var text bytes.Buffer
		err := runSearch(t.Context(), SearchOptions{Common: Common{client, asJSON}, Query: "dog", Limit: 20}, Screen{Writer: &text, Width: width})
		if exitCode(err) != code {
			t.Errorf("%s: exit code %d (%v), want %d", name, exitCode(err), err, code)
		}
		for _, r := range text.String() {
			if r != '\n' && !table.Printable(r) {
				t.Errorf("%s: %q reaches the terminal", name, r)
			}
		}
		golden(t, name, text.Bytes())
	}
	f("search.txt", 0, false, found(), 0)
	f("search-80.txt", 80, false, found(), 0)
	f("search-120.txt", 120, false, found(), 0)
	f("search-40.txt", 40, false, found(), 0)
	f("search.json", 0, true, found(), 0)
	library.Set(status())
	f("search-none-waiting.txt", 0, false, api.SearchResult{}, 1)
	library.Set(api.Status{})
	f("search-none-no-folder.txt", 0, false, api.SearchResult{}, 1)
	ready := status()
	ready.Photos.Waiting = 0
	library.Set(ready)
	f("search-none-looking.txt", 0, false, api.SearchResult{}, 1)
	ready.Ready = true
	library.Set(ready)
	f("search-none.txt", 0, false, api.SearchResult{GoodMatch: false}, 1)
	f("search-none.json", 0, true, api.SearchResult{}, 1)
	f("search-explain.txt", 0, false, explained(), 0)
	f("search-explain.json", 0, true, explained(), 0)
	poor := found()
	poor.GoodMatch, poor.Next = false, ""
	f("search-poor.txt", 80, false, poor, 1)
	partial := found()
	partial.Partial = "the encoder does not run"
	f("search.txt", 0, false, partial, 3)
}

// explained is what found gives where an explanation was asked for.
func explained() api.SearchResult {
	result, cosine := found(), 0.271828
	for i := range result.Hits {
		result.Hits[i].Reason = &api.Reason{Cosine: &cosine, VectorRank: i + 1, Filters: []string{"rating:>=3", "date:2019"}}
	}
	result.Hits[0].Reason.WordRank, result.Hits[2].Reason.Cosine = 12, nil
	result.Explanation = &api.Explanation{
		Parsed: "dog date:2019 rating:>=3", Rows: 123456, Rescored: 789, Steps: []api.Step{{Name: "parse", Milliseconds: 0.04}, {Name: "all", Milliseconds: 12.3}},
	}
	return result
}

// The JSON of --json is the API's own: read back, it is what the daemon holds.
func TestSearchJSONKeepsPaths(t *testing.T) {
	library := servertest.New()
	library.Answer = found()
	client := servertest.Serve(t, library)
	var text bytes.Buffer
	if code := run(t.Context(), []string{"vsectl", "search", "dog", "--json", "--socket", client.Socket}, Screen{Writer: &text}, Screen{Writer: &text}); code != 0 {
		t.Fatalf("exit code %d: %s", code, text.String())
	}
	if !strings.Contains(text.String(), api.NewPath(hostile).Base64) {
		t.Errorf("the exact path is not in %s", text.String())
	}
}

func status() api.Status {
	counts := api.Counts{Total: 12342, Encoded: 12000, Waiting: 300, Quarantined: 2, Offline: 40, Missing: 3, Ignored: 17}
	return api.Status{
		Version: "0.1.0", Photos: counts, Rate: 25.34, Change: 99,
		Encoder: api.Encoder{Space: "builtin-1", Name: "EfficientNet-B0 + MiniLM", Provider: "CPU"},
		Folders: []api.Folder{
			{Path: api.NewPath("/photos"), State: "online", Mode: "watching", Filesystem: "ext4", LastScan: "2026-03-01T12:30:00Z", LagSeconds: 1.5, Counts: counts,
				IgnoredRules: map[string]int64{"symbolic link": 2, "hidden": 15}},
			{Path: api.NewPath("/media/a disk\x1b[31m"), State: "offline", Mode: "polling", Problem: "it is not mounted: mount it, its photos stay findable until then"},
			{Path: api.NewPath("/net/写真"), State: "not answering", Mode: "partly polling", Filesystem: "fuse.sshfs", LastScan: "2026-02-26T12:30:00Z", LagSeconds: 7300, Problem: "no answer for 2 min"},
		},
		Quarantined: []api.QuarantinedFile{
			{ID: 12, Path: api.NewPath(hostile), Reason: "not a picture: text", Attempts: 1, LastAttempt: "2026-01-01T00:00:00Z"},
			{ID: 1234, Path: api.NewPath("/photos/2019/broken.jpg"), Reason: "the decoder crashed on it", Attempts: 3, LastAttempt: "2026-03-01T12:29:00Z", NextAttempt: "2026-03-01T14:29:00Z"},
		},
		UnreadableSidecars: 5,
		Sidecars: []api.UnreadableSidecar{
			{Path: api.NewPath(hostile + ".xmp"), Reason: "is not XMP: no rdf:Description stands in it"},
			{Path: api.NewPath("/photos/2019/a.xmp"), Reason: "permission denied: let the user that runs vsed read it", NextAttempt: "2026-03-01T12:49:00Z"},
			{Path: api.NewPath("/photos/2019/b.xmp"), Reason: "is more than 4 MiB long"},
			{Path: api.NewPath("/photos/2019/c.xmp"), Reason: "is more than 4 MiB long"},
		},
	}
}

func TestStatus(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	f := func(name string, width int, asJSON bool, s api.Status) {
		t.Helper()
		library.Set(s)
		var text bytes.Buffer
		if err := runStatus(t.Context(), StatusOptions{Common: Common{client, asJSON}}, Screen{Writer: &text, Width: width, Now: now()}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, text.Bytes())
	}
	f("status.txt", 0, false, status())
	f("status-80.txt", 80, false, status())
	f("status.json", 0, true, status())
	f("status-new.txt", 0, false, api.Status{Encoder: api.Encoder{Problem: "libonnxruntime.so.1 was not found: install it"}})
	ready := status()
	ready.Ready, ready.Quarantined, ready.Folders = true, nil, nil
	ready.UnreadableSidecars, ready.Sidecars = 0, nil
	f("status-ready.txt", 0, false, ready)
}

// A hook calls seen with each piece that is printed.
type hook struct {
	bytes.Buffer
	seen func(string)
}

func (h *hook) Write(p []byte) (int, error) {
	h.seen(string(p))
	return h.Buffer.Write(p)
}

// Watching ends when the daemon is ready, and shows what was between.
func TestWatch(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	f := func(name string, width int, asJSON bool) {
		t.Helper()
		library.Set(status())
		out := &hook{seen: func(string) {
			ready := status()
			ready.Ready = true
			library.Set(ready)
		}}
		options := StatusOptions{Common: Common{client, asJSON}, Watch: true, Poll: time.Millisecond}
		if err := runStatus(t.Context(), options, Screen{Writer: out, Width: width}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.Bytes())
	}
	f("watch.txt", 0, false)
	f("watch-100.txt", 100, false)
	f("watch.json", 0, true)
}

func TestWatchIsInterrupted(t *testing.T) {
	library := servertest.New()
	library.Set(status())
	client := servertest.Serve(t, library)
	ctx, cancel := context.WithCancel(t.Context())
	out := &hook{seen: func(string) { cancel() }}
	err := runStatus(ctx, StatusOptions{Common: Common{Client: client}, Watch: true, Poll: time.Millisecond}, Screen{Writer: out, Width: 80})
	if exitCode(err) != 130 || message(err) != "" {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("the prompt would stand in the bar: %q", out.String())
	}
}

// TestBarFits: whatever the width, also where the text beside the bar was longer before.
func TestBarFits(t *testing.T) {
	for width := 2; width < 200; width++ {
		var text bytes.Buffer
		line := bar{out: Screen{Writer: &text, Width: width}}
		for _, beside := range []string{"photos: 999 of 1,000, 1 min 12 s left", "photos: 1,000 of 1,000"} {
			text.Reset()
			if err := line.draw(500, 1000, beside); err != nil {
				t.Fatal(err)
			}
			if got := table.Width(strings.TrimSuffix(strings.TrimPrefix(text.String(), "\r"), "\x1b[K")); got >= width {
				t.Errorf("width %d: %d columns", width, got)
			}
		}
	}
}

// TestBarStands: it is as long whatever the text beside it, and none where nothing is
// done, or nobody knows of how much.
func TestBarStands(t *testing.T) {
	var text bytes.Buffer
	line := bar{out: Screen{Writer: &text, Width: 60}}
	f := func(done, total int64, beside, want string) {
		t.Helper()
		text.Reset()
		if err := line.draw(done, total, beside); err != nil || text.String() != "\r"+want+"\x1b[K" {
			t.Errorf("got %q, %v, want %q", text.String(), err, want)
		}
	}
	const long, short = "steps, 5 of 10, 1 min 12 s left", "steps, 6 of 10, 9 s left"
	f(0, 10, "steps", "steps")
	f(5, 0, "steps", "steps")
	f(5, 10, long, strings.Repeat("█", 13)+strings.Repeat("░", 13)+"  "+long)
	f(6, 10, short, strings.Repeat("█", 15)+strings.Repeat("░", 11)+"  "+short)
}

func TestTimeLeft(t *testing.T) {
	f := func(waiting int64, rate float64, want string) {
		t.Helper()
		if got := left(waiting, rate); got != want {
			t.Errorf("%d at %g: got %s, want %s", waiting, rate, got, want)
		}
	}
	f(1, 30, "1 s")
	f(300, 25, "12 s")
	f(1790, 10, "2 min 59 s")
	f(1_000_000, 28, "9 h 55 min")
	f(1<<62, 1e-300, "277,777 h 46 min")
}

func TestEvaluationIsShown(t *testing.T) {
	interval := evaluate.Interval{Low: 0.655, High: 0.789}
	report := evaluation.Report{Encoder: "one", Queries: 2, Photos: 1000, Measures: []evaluation.Measure{{Name: "R@10", Value: 0.72, Range: &interval}, {Name: "median rank", Value: 3}}}
	var text bytes.Buffer
	if err := showReport(report, Screen{Writer: &text}); err != nil {
		t.Fatal(err)
	}
	golden(t, "evaluate.txt", text.Bytes())
	if got, want := evaluationText(12_000, 12_300, 25, "photos"), "12,000 of 12,300 photos, 25.0/s, 12 s left"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTags(t *testing.T) {
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(here, "search.txt")
	described := photo(8, "/described.jpg", "holiday")
	described.Tags = append(described.Tags, api.Tag{Name: "café", Source: "file"}, api.Tag{Name: "Rome", Source: "sidecar"})
	client := servertest.Serve(t, servertest.New(photo(5, path), photo(6, "/twice"), photo(7, "/twice"), described))
	f := func(want string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), slices.Concat([]string{"vsectl", "--socket", client.Socket, "tag"}, args), Screen{Writer: &text}, Screen{Writer: &text})
		if got != code || text.String() != want {
			t.Errorf("%q: got %d\n%swant %d\n%s", args, got, text.String(), code, want)
		}
	}
	f("The photo has no tags.\n", 1, "list", "id:5")
	f("TAG     SOURCE\nbig -x  user\ndog     user\n", 0, "add", "testdata/search.txt", "dog", "big -x")
	f("TAG     SOURCE\nbig -x  user\ndog     user\n", 0, "list", filepath.Join(link, "search.txt"))
	f("TAG  SOURCE\ndog  user\n", 0, "remove", "id:5", "big -x")
	f("{\n  \"tags\": [\n    {\n      \"name\": \"dog\",\n      \"source\": \"user\"\n    }\n  ]\n}\n", 0, "list", "--json", path)
	f("TAG  SOURCE\ndog  user\nvsectl: the photo has no tag \"cat\": `vsectl tag list` shows those that it has\n", 1, "remove", "id:5", "cat")
	f("TAG      SOURCE\nholiday  user\n", 0, "remove", "id:8", "café", "Rome")
	f("TAG      SOURCE\nholiday  user\nvsectl: the photo has no tag \"café\": `vsectl tag list` shows those that it has\n", 1, "remove", "id:8", "café")
	f("The photo has no tags.\n", 0, "remove", "id:8", "Holiday")
	f("{\n  \"tags\": []\n}\n", 0, "remove", path, "dog", "--json")
	f("vsectl: no photo has the number 99\n", 1, "list", "id:99")
	f("vsectl: no photo is known at \"/none\\n.jpg\": is its folder watched (`vsectl folder list`) and the file read by now (`vsectl status`)?\n", 1, "list", "/none\n.jpg")
	f("vsectl: several photos are known at \"/twice\": name one of id:6, id:7\n", 2, "list", "/twice")
	f("vsectl: \""+here+"\" is a folder: name one photo\n", 2, "list", "testdata")
	f("vsectl: \"id:x\" is no photo's number: write id:12, or ./id:x for a file of that name\n", 2, "list", "id:x")
	f("vsectl: the tag \"a\\nb\" holds a control character: write it without\n", 2, "add", "id:5", "a\nb")
	f("vsectl: the tag \"caf\\xe9\" is not valid UTF-8: is the terminal set to another encoding?\n", 2, "add", "id:5", "caf\xe9")
	f("vsectl: \"id:12\" names a photo, not a tag: tag add takes one PHOTO, run it once for each\n", 2, "add", "id:5", "x", "id:12", "y")
	f("vsectl: tag add takes a PHOTO and at least one TAG: see `vsectl tag add --help`\n", 2, "add", "id:5")
	f("vsectl: vsectl tag has no command \"drop\": `vsectl tag --help` lists them\n", 2, "drop", "id:5")
}

func TestFolders(t *testing.T) {
	client := servertest.Serve(t, servertest.New())
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), slices.Concat([]string{"vsectl", "folder"}, args, []string{"--socket=" + client.Socket}), Screen{Writer: &text}, Screen{Writer: &text})
		if got != code || !strings.Contains(text.String(), want) {
			t.Errorf("%q: got %d\n%swant %d\n%s", args, got, text.String(), code, want)
		}
	}
	f("No folder is watched: add one", 1, "list")
	f("Watching "+here+";", 0, "add", "testdata")
	f(`"path": "/a b"`, 0, "add", "--json", "/a b")
	f("vsectl: \"/a b\" is watched already\n", 2, "add", "/a b")
	f("online  watching      0 s       0        0  not yet\n", 0, "list")
	f(`"folders": [`, 0, "list", "--json")
	f("No longer watching /a b;", 0, "remove", "/a b")
	f("", 0, "remove", "testdata", "--json")
	f("vsectl: \"/a b\" is not watched\n", 1, "remove", "/a b")
	f("vsectl: the path is empty: name a file or folder\n", 2, "add", "")
	f("vsectl: the path is empty: name a file or folder\n", 2, "remove", "")
}

func TestEvents(t *testing.T) {
	f := func(asJSON bool, want string) {
		t.Helper()
		library := servertest.New(photo(5, "/photos/a.jpg"))
		library.Emit("photo_encoded", 5)
		library.Emit("folder_added", 0)
		client := servertest.Serve(t, library)
		ctx, cancel := context.WithCancel(t.Context())
		out := &hook{seen: func(line string) {
			switch {
			case strings.Contains(line, "folder"):
				library.Emit("photo_tagged", 12)
			case strings.Contains(line, "tag"):
				cancel()
			}
		}}
		err := runEvents(ctx, EventsOptions{Common: Common{client, asJSON}, Clock: now}, Screen{Writer: out})
		if exitCode(err) != 130 || out.String() != want {
			t.Errorf("%v: got\n%swant\n%s", err, out.String(), want)
		}
	}
	f(false, `
earlier   encoded         id:5       /photos/a.jpg
earlier   folder added
12:34:00  tags changed    id:12
`[1:])
	f(true, `{"change":1,"kind":"photo_encoded","photo":5}`+"\n"+`{"change":2,"kind":"folder_added"}`+"\n"+`{"change":3,"kind":"photo_tagged","photo":12}`+"\n")
}

func TestEventLines(t *testing.T) {
	path := api.NewPath(hostile)
	long := api.NewPath("/photos/2019/summer/holiday at the sea/" + strings.Repeat("long ", 20) + "dog.jpg")
	f := func(width int, event api.Event, want string) {
		t.Helper()
		var text bytes.Buffer
		if err := showEvent(event, "12:34:00", Screen{Writer: &text, Width: width}); err != nil || text.String() != want+"\n" {
			t.Errorf("%v: got %swant %s", err, text.String(), want)
		}
	}
	f(0, api.Event{Kind: "file_quarantined", Path: &path}, `12:34:00  set aside                  /photos/\x1b[2J\u202egpj\n\xff.jpg`)
	f(80, api.Event{Kind: "file_found", Photo: 123, Path: &long}, "12:34:00  file found      id:123     /photos/2019/s… long long long long dog.jpg")
	f(0, api.Event{Kind: "of_a_newer_daemon\x1b"}, `12:34:00  of a newer daemon\x1b`)
}

func TestUsage(t *testing.T) {
	f := func(want string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), append([]string{"vsectl"}, args...), Screen{Writer: &text}, Screen{Writer: &text})
		if got != code || !strings.Contains(text.String(), want) {
			t.Errorf("%q: got %d %s, want %d %s", args, got, text.String(), code, want)
		}
	}
	absent := filepath.Join(t.TempDir(), "s")
	f("vsectl version ", 0, "--version")
	f("--after -5 is negative", 2, "events", "--after", "-5")
	f("130  interrupted", 0, "--help")
	f("130  interrupted", 0, "search", "-h")
	f("vsectl search ", 0, "search", "tiger", "--help")
	f("vsectl learn report ", 0, "learn", "report", "3", "--help")
	f("no command \"serach\"", 2, "serach", "--help")
	f("no command is given", 2)
	f(`no command "serach"`, 2, "serach", "dog")
	f("the query is empty", 2, "search")
	f("the query is empty", 2, "search", "  ")
	f("the query has 16385 bytes", 2, "search", strings.Repeat("a", 16385))
	f("--limit 0 is out of range", 2, "search", "dog", "--limit", "0")
	f("--limit takes no \"few\": see `vsectl search --help`\n", 2, "search", "dog", "--limit", "few")
	f("--socket needs a value: see `vsectl --help`\n", 2, "--socket")
	f("there is no option --colour: see `vsectl search --help`; where it belongs to the query, write `vsectl search -- '--colour dog'`\n", 2, "search", "--colour", "dog")
	f("there is no option -tag:holiday bird: see `vsectl search --help`; where it belongs to the query, write `vsectl search -- '-tag:holiday bird'`\n", 2, "search", "-tag:holiday bird")
	f(`write `+"`vsectl search -- 'dog'\\''s -car'`\n", 2, "search", "dog's", "--limit", "3", "-car")
	f("there is no option --limit: see `vsectl --help`; a command's own options stand after it\n", 2, "--limit", "2", "search", "bird")
	f("there is no option -v: see `vsectl status --help`\n", 2, "status", "-v")
	f("no command is given", 2, "--json")
	f("there is no option --json: see `vsectl completion --help`\n", 2, "--json", "completion", "bash")
	f("there is no option --colour: see `vsectl status --help`\n", 2, "status", "--colour")
	f("no daemon answers at", 10, "search", "dog", "--socket", absent)
	f("no daemon answers at", 10, "status", "--watch", "--socket", absent)
	f("no daemon answers at", 10, "--socket", absent, "search", "--", "--json", "help")
}

func TestSocketFromTheEnvironment(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	t.Setenv("VSED_SOCKET", client.Socket)
	var text bytes.Buffer
	if code := run(t.Context(), []string{"vsectl", "search", "--", "help", "-x"}, Screen{Writer: &text}, Screen{Writer: &text}); code != 1 {
		t.Errorf("exit code %d: %s", code, text.String())
	}
	if want := []string{"help -x"}; !slices.Equal(library.Queries, want) {
		t.Errorf("queries %q", library.Queries)
	}
}

func TestPermute(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		app := newApp(Screen{})
		args, err := permute(app, strings.Fields("vsectl "+in))
		if got := strings.Join(args, " "); err != nil || got != "vsectl "+want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	f("search dog --json --socket /s", "--socket /s search --json -- dog")
	f("search dog status --limit=3 tag", "search --limit=3 -- dog status tag")
	f("tag add --json id:1 a --socket /s -- --b", "--socket /s tag add --json -- id:1 a --b")
	f("search - -- -x", "search -- - -x")
	f("--json status", "status --json")
	f("--json --socket /s tag list id:1", "--socket /s tag list --json -- id:1")
	f("tag --help", "tag --help")
	f("search tiger --help", "search --help")
	f("learn report -h 3 --json -- 4", "learn report --json -h")
	f("tag --help add", "tag add --help")
	f("tag drop --help", "tag -- drop")
}

func TestWhy(t *testing.T) {
	f := func(want string, ranked bool, matches ...api.Match) {
		t.Helper()
		if got := why(api.Hit{Ranked: ranked, Matches: matches}); got != want {
			t.Errorf("%v: got %s, want %s", matches, got, want)
		}
	}
	f("looks like it", true)
	f("filter", false)
	f("place", true, api.Match{Word: "paris", Field: api.FieldPlace})
	f("tag, name, folder", true, api.Match{Field: api.FieldFolder}, api.Match{Field: api.FieldTag}, api.Match{Field: api.FieldName}, api.Match{Field: api.FieldTag})
}

// A picture that the library does not hold is sent, and its digest stands for it.
func TestLikeAPictureOutside(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for name, content := range map[string]string{"a b.jpg": "\xff\xd8 one", "c.jpg": "\xff\xd8 two", "no.jpg": "text"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	library := servertest.New(photo(1, "/photos/known.jpg"))
	library.Answer = found()
	client := servertest.Serve(t, library)
	ask := func(query string) error {
		return runSearch(t.Context(), SearchOptions{Common: Common{client, true}, Query: query, Limit: 20}, Screen{Writer: io.Discard})
	}
	f := func(query, want string) {
		t.Helper()
		library.Queries = nil
		if err := ask(query); err != nil {
			t.Fatal(err)
		}
		if got := library.Queries[0]; got != want {
			t.Errorf("%s: asked %s, want %s", query, got, want)
		}
	}
	one, two := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("\xff\xd8 one"))), fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("\xff\xd8 two")))
	f("like:c.jpg tag:dog", `like:"`+two+`" tag:dog`)
	f(`dog -like:"a b.jpg" (like:`+folder+`/c.jpg)`, `dog -like:"`+one+`" (like:"`+two+`")`)
	f(`"like:c.jpg" unlike:c.jpg like:id:7`, `"like:c.jpg" unlike:c.jpg like:id:7`)
	f("like:/photos/known.jpg", `like:"id:1"`)
	f("like:none.jpg", `like:"`+folder+`/none.jpg"`)
	if err := ask("like:no.jpg"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("what is no picture: %v", err)
	}
}

func TestCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	program := filepath.Join(t.TempDir(), "vsectl")
	if output, err := exec.Command("go", "build", "-o", program, "vsed/cli/vsectl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	f := func(want string, words ...string) {
		t.Helper()
		script := `source <("$1" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vsectl; echo "${COMPREPLY[*]}"`
		output, err := exec.Command(bash, slices.Concat([]string{"-c", script, "bash", program}, words)...).CombinedOutput()
		if err != nil || !strings.Contains(" "+string(output), " "+want) {
			t.Errorf("%q: got %s%v, want %s", words, output, err, want)
		}
	}
	f("search", "se")
	f("add", "tag", "a")
	f("--json", "search", "--js")
	f("\n", "search", "dog", "")
	f("\n", "tag", "add", "--", "id:1", "")
}

func TestCompletionScripts(t *testing.T) {
	f := func(want string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), append([]string{"vsectl", "completion"}, args...), Screen{Writer: &text}, Screen{Writer: &text})
		if got != code || !strings.Contains(text.String(), want) {
			t.Errorf("%q: got %d %s, want %s", args, got, text.String(), want)
		}
	}
	f("-F _vsectl vsectl\n", 0, "bash")
	f("complete -c vsectl", 0, "fish")
	f(`the shell "csh" is not known`, 2, "csh")
	f("takes the name of one shell", 2)
}

// The guide names every command, and the exit codes as the help does.
func TestGuide(t *testing.T) {
	content, err := os.ReadFile("../docs/vsectl.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := strings.ReplaceAll(string(content), `\|`, "|")
	var check func(above string, commands []*libcli.Command)
	check = func(above string, commands []*libcli.Command) {
		for _, command := range commands {
			name := above + " " + command.Name
			if len(command.Subcommands) == 0 && !strings.Contains(guide, "| `"+name) {
				t.Errorf("%s is not in the guide", name)
			}
			check(name, command.Subcommands)
		}
	}
	check("vsectl", commands(Screen{}))
	if want := "    " + strings.ReplaceAll(exitCodes, "\n", "\n    "); !strings.Contains(guide, want) {
		t.Errorf("the guide has other exit codes than the help:\n%s", want)
	}
}

func TestExitCodes(t *testing.T) {
	f := func(err error, want int) {
		t.Helper()
		if got := exitCode(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
	f(nil, 0)
	f(errNone, 1)
	f(api.NewError(http.StatusNotFound, "no photo"), 1)
	f(errors.New("anything"), 2)
	f(api.NewError(http.StatusInternalServerError, "failed"), 2)
	f(&partialError{"x"}, 3)
	f(&api.NoDaemonError{}, 10)
	f(context.Canceled, 130)
}
