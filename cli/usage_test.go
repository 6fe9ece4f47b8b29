package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/server/servertest"
)

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
