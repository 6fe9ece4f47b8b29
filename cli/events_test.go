package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

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
