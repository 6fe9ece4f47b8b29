package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/api"
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

// A hook calls seen with each piece that is printed.
type hook struct {
	bytes.Buffer
	seen func(string)
}

func (h *hook) Write(p []byte) (int, error) {
	h.seen(string(p))
	return h.Buffer.Write(p)
}
