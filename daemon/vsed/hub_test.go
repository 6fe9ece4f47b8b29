package main

import (
	"fmt"
	"image/color"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"vsed/cli/hub/hubtest"
	"vsed/daemon/api"
	"vsed/encoders/tinyclip"
)

// newHome is a real world whose user has folders of his own.
func newHome(t *testing.T) *world {
	t.Helper()
	w := newRealWorld(t)
	for _, variable := range []string{"XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(variable, t.TempDir())
	}
	t.Setenv("HF_TOKEN", "")
	return w
}

// succeeds runs vsectl, which must end well, and gives what it says.
func (w *world) succeeds(arguments ...string) string {
	w.Helper()
	text, complaint, status := w.vsectl(arguments...)
	if status != 0 {
		w.Fatalf("vsectl %q: status %d\n%s%s", arguments, status, text, complaint)
	}
	return text
}

// TestFromTheHubToTheSearch pulls a model of each generation of the layout, the
// first after a vsectl that was killed, uses one after the other, and goes back.
func TestFromTheHubToTheSearch(t *testing.T) {
	w := newHome(t)
	models := map[string]string{}
	for _, o := range []tinyclip.Options{{}, {Newer: true, Seed: 1}} {
		folder := filepath.Join(t.TempDir(), "model")
		w.check(tinyclip.Write(folder, o))
		models[fmt.Sprintf("example/Tiny-%v", o.Newer)] = folder
	}
	server := hubtest.New(t, models)
	for i, tone := range []color.RGBA{red, green, blue} {
		w.photo(fmt.Sprintf("%d.jpg", i), tone, i)
	}
	w.start()
	w.settled()
	w.examine()
	w.killPull(server, "Tiny-false", filepath.Join(models["example/Tiny-false"], "visual/model.onnx"))
	for i, name := range []string{"Tiny-false", "Tiny-true"} {
		w.pullAndUse(server.URL, name)
		if hits := w.find("red"); len(hits) == 0 || hits[0] != "0.jpg" {
			t.Errorf("with model %d, red finds %q", i, hits)
		}
	}
	text := w.succeeds("encoder", "rollback")
	if !strings.Contains(text, "tiny-false serves in the place of tiny-true.\n") {
		t.Errorf("the roll-back ends with\n%s", text)
	}
	if hits := w.find("red"); len(hits) == 0 || hits[0] != "0.jpg" {
		t.Errorf("after the roll-back, red finds %q", hits)
	}
	w.succeeds("encoder", "remove", "tiny-true")
	w.stop()
}

// killPull kills a vsectl that has the half of a large file.
func (w *world) killPull(server *hubtest.Hub, name, file string) {
	w.Helper()
	content, err := os.ReadFile(file)
	w.check(err)
	half := make(chan struct{})
	server.SetFault(func(answer http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("signature") == "" || filepath.Base(filepath.Dir(r.URL.Path)) != "visual" {
			return false
		}
		answer.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = answer.Write(content[:len(content)/2])
		_ = http.NewResponseController(answer).Flush()
		close(half)
		<-r.Context().Done()
		return true
	})
	pull := exec.Command(filepath.Join(w.programs, "vsectl"), "--socket", w.socket, "encoder", "pull", "example/"+name, "--mirror", server.URL)
	w.check(pull.Start())
	<-half
	w.until("half of the file is kept", func() bool {
		kept, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "vsed/hub/*/*/visual/model.onnx.partial"))
		if len(kept) == 0 {
			return false
		}
		info, err := os.Stat(kept[0])
		return err == nil && info.Size() == int64(len(content)/2)
	})
	w.check(pull.Process.Kill())
	if err := pull.Wait(); err == nil {
		w.Error("the pull was not killed")
	}
	server.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if want := fmt.Sprintf("bytes=%d-", len(content)/2); strings.HasSuffix(r.URL.Path, name+"/resolve/"+hubtest.Commit+"/visual/model.onnx") && r.Header.Get("Range") != want {
			w.Errorf("the next pull asks for the range %q, want %q", r.Header.Get("Range"), want)
		}
		return false
	})
}

// pullAndUse installs a model and has it take over.
func (w *world) pullAndUse(mirror, name string) {
	w.Helper()
	text := w.succeeds("encoder", "pull", "example/"+name, "--mirror", mirror)
	encoder := strings.ToLower(name)
	if !strings.Contains(text, "\n"+encoder+" is installed: ") {
		w.Errorf("pull says\n%s", text)
	}
	known, err := w.client.Encoder(w.Context(), encoder)
	w.check(err)
	if known.State != api.EncoderInstalled || known.Model != name || known.Version != hubtest.Commit || known.Licence != "mit" {
		w.Errorf("installed is %+v", known)
	}
	if text := w.succeeds("encoder", "test", encoder); strings.Contains(text, "FAILED") {
		w.Errorf("its self-test says\n%s", text)
	}
	text = w.succeeds("encoder", "use", encoder)
	if !strings.Contains(text, encoder+" serves in the place of ") || !strings.Contains(text, "     5        5        0          0        0\n") {
		w.Errorf("use ends with\n%s", text)
	}
}

// examine checks that the doctor finds the library and the daemon.
func (w *world) examine() {
	w.Helper()
	text := w.succeeds("doctor", "--library", "../../build/lib/libonnxruntime.so.1")
	for _, want := range []string{"\nworking ", "cpu\n", "\ndaemon ", ": ready, 5 photos encoded\n", w.socket} {
		if !strings.Contains(text, want) {
			w.Errorf("the doctor says\n%s, want %q", text, want)
		}
	}
}
