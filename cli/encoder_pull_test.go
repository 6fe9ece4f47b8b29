package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vsed/cli/hub/hubtest"
	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
	"vsed/encoders/tinyclip"
)

const tinyModel = "example/Tiny__random"

// atHub serves a tiny model, and gives the user folders of his own.
func atHub(t *testing.T) (*hubtest.Hub, *servertest.Library, *api.Client) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "model")
	if err := tinyclip.Write(folder, tinyclip.Options{Newer: true}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HF_TOKEN", "")
	library, client := shelf(t)
	return hubtest.New(t, map[string]string{tinyModel: folder}), library, client
}

func settings(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "vsed", "vsectl.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func cached(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(os.Getenv("XDG_CACHE_HOME"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPull(t *testing.T) {
	server, library, client := atHub(t)
	settings(t, "[hub]\nmirror = \""+server.URL+"\"\ntoken = \"hf_secret\"\n")
	text, code := vsectl(t, client, 80, "encoder", "pull", "--language", "deu_Latn", tinyModel)
	for _, want := range []string{
		"example/Tiny__random at revision 0123456789ab, licence mit: 8 files, ", "CHECK         RESULT",
		"\ntiny__random is installed: `vsectl encoder use tiny__random` has it take over.\n",
	} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("got %d\n%s\nwant %s", code, text, want)
		}
	}
	if strings.Contains(text, "secret") || server.Asked("revision")[0].Header.Get("Authorization") != "Bearer hf_secret" {
		t.Errorf("the token is shown, or was not sent:\n%s", text)
	}
	archive := tar.NewReader(bytes.NewReader(library.Shelf.Uploaded))
	if header, err := archive.Next(); err != nil || header.Name != "SHA256SUMS" {
		t.Errorf("the daemon is sent %v, %v", header, err)
	}
	if _, err := archive.Next(); err != nil {
		t.Fatal(err)
	}
	origin, err := io.ReadAll(archive)
	if want := `{"name":"Tiny__random","version":"` + hubtest.Commit + `","licence":"mit","source":"` + server.URL + `/example/Tiny__random","language":"deu_Latn"}`; err != nil || string(origin) != want {
		t.Errorf("origin %s, %v", origin, err)
	}
	if left := cached(t); len(left) > 0 {
		t.Errorf("the download is left: %q", left)
	}
}

func TestPullKeepsWhatItHas(t *testing.T) {
	server, _, client := atHub(t)
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "visual/model.onnx") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	text, code := vsectl(t, client, 0, "encoder", "pull", tinyModel, "--mirror", server.URL)
	if code != exitUsage || !strings.Contains(text, "vsectl: the hub refuses visual/model.onnx: accept the model's terms") || len(cached(t)) == 0 {
		t.Errorf("got %d\n%s\nkept %q", code, text, cached(t))
	}
	server.SetFault(nil)
	if text, code := vsectl(t, client, 0, "encoder", "pull", tinyModel, "--mirror", server.URL, "--json"); code != 0 || !strings.HasPrefix(text, "{\n  \"name\": ") {
		t.Errorf("got %d\n%s", code, text)
	}
	if asked := server.Asked("/config.json"); len(asked) != 1 {
		t.Errorf("config.json was asked for %d times", len(asked))
	}
}

func TestPullIsInterrupted(t *testing.T) {
	server, _, client := atHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	server.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "model.onnx.data") {
			cancel()
		}
		return false
	})
	var out bytes.Buffer
	code := run(ctx, []string{"vsectl", "--socket", client.Socket, "encoder", "pull", tinyModel, "--mirror", server.URL}, Screen{Writer: &out}, Screen{Writer: &out})
	if code != exitInterrupted || !strings.Contains(out.String(), "the same command goes on with it") || len(cached(t)) == 0 {
		t.Errorf("got %d\n%s", code, out.String())
	}
}

func TestPullFromAFolder(t *testing.T) {
	server, library, client := atHub(t)
	folder := filepath.Join(t.TempDir(), "Tiny")
	if err := tinyclip.Write(folder, tinyclip.Options{}); err != nil {
		t.Fatal(err)
	}
	text, code := vsectl(t, client, 0, "encoder", "pull", "--from", folder)
	if code != 0 || !strings.Contains(text, "\ntiny is installed") || len(server.Asked("")) != 0 {
		t.Errorf("got %d\n%s", code, text)
	}
	if text, code := vsectl(t, client, 0, "encoder", "pull", "a/Other@v1", "--from", folder, "--name", "chosen"); code != 0 || !strings.Contains(text, "\nchosen is installed") {
		t.Errorf("got %d\n%s", code, text)
	}
	if want := `{"name":"Other","version":"v1","source":"https://huggingface.co/a/Other"}`; !bytes.Contains(library.Shelf.Uploaded, []byte(want)) {
		t.Errorf("the origin is not %s", want)
	}
}

func TestPullIsRefused(t *testing.T) {
	server, _, client := atHub(t)
	f := func(want string, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, client, 0, append([]string{"encoder", "pull"}, args...)...)
		if got != code || !strings.Contains(text, want) {
			t.Errorf("%q: got %d\n%swant %d\n%s", args, got, text, code, want)
		}
	}
	f("encoder pull takes one OWNER/NAME", 2)
	f(`"Tiny" names no model: write OWNER/NAME`, 2, "Tiny")
	f(`"No Name" is no name for an encoder`, 2, tinyModel, "--name", "No Name")
	f("there is an encoder builtin already, it is serving", 2, tinyModel, "--name", "builtin")
	f(`"ftp://x" is no hub's address`, 2, tinyModel, "--mirror", "ftp://x")
	f("the hub has no example/None@main", 2, "example/None", "--mirror", server.URL)
	f("is no encoder in a known layout: it lacks config.json", 2, "--from", t.TempDir())
	settings(t, "[hub]\nmirorr = \"x\"\n")
	f("vsectl.toml:2: there is no such key", 2, tinyModel)
	if _, code := vsectl(t, &api.Client{Socket: filepath.Join(t.TempDir(), "none")}, 0, "encoder", "pull", "--from", t.TempDir()); code != exitUsage {
		t.Errorf("without settings that can be read: exit code %d", code)
	}
	settings(t, "")
	if _, code := vsectl(t, &api.Client{Socket: filepath.Join(t.TempDir(), "none")}, 0, "encoder", "pull", tinyModel); code != exitNoDaemon {
		t.Errorf("without a daemon: exit code %d", code)
	}
}

func TestEncoderSearch(t *testing.T) {
	f := func(name string, width, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, &api.Client{}, width, append([]string{"encoder", "search"}, args...)...)
		if got != code {
			t.Errorf("%q: exit code %d, want %d", args, got, code)
		}
		golden(t, name, []byte(text))
	}
	f("encoder-search-80.txt", 80, 0)
	f("encoder-search.json", 0, 0, "openai", "--json")
	f("encoder-search-none.txt", 0, 1, "nothing")
}

func TestTransfer(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	f := func(width int, want string) {
		t.Helper()
		out.Reset()
		transfer := &transfer{doing: "Downloading", total: 600_000_000, out: Screen{Writer: &out, Width: width}, clock: func() time.Time { return now }, print: 5 * time.Second}
		for i := range 12 {
			transfer.at(int64(100_000_000 + i*25_000_000))
			now = now.Add(time.Second)
		}
		transfer.note("a\x1b[2J line")
		if out.String() != want {
			t.Errorf("got\n%q\nwant\n%q", out.String(), want)
		}
	}
	f(0, "Downloading: 100 MB of 600 MB\nDownloading: 225 MB of 600 MB, 25 MB/s, 15 s left\nDownloading: 350 MB of 600 MB, 25 MB/s, 10 s left\na\\x1b[2J line\n")
}
