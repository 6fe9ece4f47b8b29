package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

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
