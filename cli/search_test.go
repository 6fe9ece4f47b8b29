package cli

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"vsed/cli/table"
	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

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

func TestATagOfSeveralSourcesIsNamedOnce(t *testing.T) {
	tags := []api.Tag{{Name: "café", Source: "sidecar"}, {Name: "holiday", Source: "file"}, {Name: "holiday", Source: "user"}}
	if got := tagNames(tags); got != "café, holiday" {
		t.Errorf("named %s", got)
	}
}
