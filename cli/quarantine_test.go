package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func TestQuarantine(t *testing.T) {
	library := servertest.New()
	library.Quarantined = status().Quarantined
	client := servertest.Serve(t, library)
	f := func(name string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), slices.Concat([]string{"vsectl", "quarantine"}, args, []string{"--socket", client.Socket}), Screen{Writer: &text, Now: now()}, Screen{Writer: &text})
		if got != code {
			t.Errorf("%q: exit code %d, want %d", args, got, code)
		}
		if strings.HasPrefix(name, "vsectl: ") || name == "" {
			if text.String() != name {
				t.Errorf("%q: got %swant %s", args, text.String(), name)
			}
			return
		}
		golden(t, name, text.Bytes())
	}
	f("quarantine.txt", 0, "list")
	f("quarantine.json", 0, "list", "--json")
	f("quarantine-page.txt", 0, "list", "--limit", "1")
	f("quarantine-end.txt", 0, "list", "--limit", "1", "--cursor", "12")
	f("quarantine-show.txt", 0, "show", "1234")
	f("quarantine-show-first.txt", 0, "show", "12")
	f("quarantine-show.json", 0, "show", "--json", "1234")
	f("vsectl: the cursor is damaged: list again without it\n", 2, "list", "--cursor", "x")
	f("vsectl: no file with the number 5 is set aside\n", 1, "show", "5")
	f("quarantine-show.txt", 0, "show", "/photos/2019/../2019/broken.jpg")
	f("quarantine-show-first.txt", 0, "show", hostile)
	f("vsectl: no file at \"/none\" is set aside: `vsectl quarantine list` shows those that are\n", 1, "show", "/none")
	f("vsectl: no file at \"/none\" is set aside: `vsectl quarantine list` shows those that are\n", 1, "retry", "12", "/none")
	f("vsectl: the path is empty: name a file or folder\n", 2, "show", "")
	f("vsectl: quarantine show takes one FILE: see `vsectl quarantine show --help`\n", 2, "show", "1", "2")
	f("vsectl: quarantine retry takes either FILEs or --all: see `vsectl quarantine retry --help`\n", 2, "retry")
	f("vsectl: quarantine retry takes either FILEs or --all: see `vsectl quarantine retry --help`\n", 2, "retry", "12", "--all")
	f("vsectl: none of these is set aside: `vsectl quarantine list` shows those that are\n", 1, "retry", "5", "6")
	f("quarantine-retry-partial.txt", 3, "retry", hostile, "5")
	f("quarantine-retry.json", 0, "retry", "--json", "--all")
	f("vsectl: no file is set aside\n", 1, "retry", "--all")
	f("quarantine-none.txt", 1, "list")
	f("quarantine-none.json", 1, "list", "--json")
	if want := []int64{12, 1234}; !slices.Equal(library.Retried, want) {
		t.Errorf("retried %d, want %d", library.Retried, want)
	}
}

// A file that was set aside is no photo, and is told from one never heard of.
func TestPhotoThatWasSetAside(t *testing.T) {
	library := servertest.New()
	for id := range int64(api.MaxLimit + 1) {
		library.Quarantined = append(library.Quarantined, api.QuarantinedFile{ID: id + 1, Path: api.NewPath("/other")})
	}
	library.Quarantined[api.MaxLimit].Path, library.Quarantined[api.MaxLimit].Reason = api.NewPath("/photos/a.jpg"), "is empty"
	client := servertest.Serve(t, library)
	var text bytes.Buffer
	code := run(t.Context(), []string{"vsectl", "photo", "show", "/photos/a.jpg", "--socket", client.Socket}, Screen{Writer: &text}, Screen{Writer: &text})
	if want := "vsectl: the file \"/photos/a.jpg\" was set aside (is empty): see `vsectl quarantine show 1001`\n"; code != 1 || text.String() != want {
		t.Errorf("got %d %swant 1 %s", code, text.String(), want)
	}
}

func TestTimes(t *testing.T) {
	f := func(offset time.Duration, past, future string) {
		t.Helper()
		if got := ago(now().Add(-offset).Format(time.RFC3339), now()); got != past {
			t.Errorf("%s ago: got %s, want %s", offset, got, past)
		}
		if got := until(now().Add(offset).Format(time.RFC3339), now()); got != future {
			t.Errorf("in %s: got %s, want %s", offset, got, future)
		}
	}
	f(0, "0 s ago", "in 0 s")
	f(59*time.Second, "59 s ago", "in 59 s")
	f(time.Minute, "1 min ago", "in 1 min")
	f(47*time.Hour, "47 h ago", "in 47 h")
	f(48*time.Hour, "2 days ago", "in 2 days")
	f(31*day, "2026-01-29", "in 31 days")
	f(-time.Hour, "0 s ago", "now")
	for _, text := range []string{"yesterday", "2026"} {
		if ago(text, now()) != text || until(text, now()) != text || moment(text) != text {
			t.Errorf("%q is changed", text)
		}
	}
	if got := lag(0.2) + lag(59.5) + lag(1e300) + lag(-1); got != "1 s1 min347 days0 s" {
		t.Errorf("lags: %s", got)
	}
}

func TestPhotoShow(t *testing.T) {
	latitude, longitude := 38.722252, -9.139337
	full := photo(7, "/photos/2019/dog.jpg", "dog", "beach")
	full.Paths = append(full.Paths, api.NewPath(hostile))
	full.Missing = []api.Path{api.NewPath("/photos/2018/dog.jpg")}
	full.Digest = strings.Repeat("0a", 32)
	full.Metadata = &api.Metadata{
		Taken: "2019-07-03T14:05:06", TakenOffset: "+01:00", TakenSource: api.TakenEXIFOriginal,
		Camera: "Canon EOS 5D", Lens: "EF 50mm f/1.4", Latitude: &latitude, Longitude: &longitude,
		Title: "A dog", Description: "First line.\n\n\x1b[2JThird line.\r\n", Rating: 4, Width: 4368, Height: 2912, Format: "jpeg", Group: 3,
	}
	poor := photo(8, "/photos/b.png")
	poor.Metadata = &api.Metadata{Taken: "2019", TakenSource: api.TakenGPS, Rating: -1, Format: "png", Group: 8}
	client := servertest.Serve(t, servertest.New(full, poor, photo(9, "/photos/c.png")))
	f := func(name string, args ...string) {
		t.Helper()
		var text bytes.Buffer
		if code := run(t.Context(), slices.Concat([]string{"vsectl", "photo", "show", "--socket", client.Socket}, args), Screen{Writer: &text, Now: now()}, Screen{Writer: &text}); code != 0 {
			t.Errorf("%q: exit code %d", args, code)
		}
		golden(t, name, text.Bytes())
	}
	f("photo.txt", "id:7")
	f("photo.json", "id:7", "--json")
	f("photo-poor.txt", "/photos/b.png")
	f("photo-new.txt", "id:9")
}
