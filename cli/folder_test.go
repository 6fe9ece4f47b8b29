package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/server/servertest"
)

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
