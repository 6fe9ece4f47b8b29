package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/encoders/tinyclip"
	"vsed/plugins/host"
	"vsed/plugins/plugintest"
)

const bundleFolder = "../../build/encoders/builtin"

// program is the built plugin.
var program string

func TestMain(m *testing.M) { goleak.VerifyTestMain(built{m}) }

type built struct{ tests *testing.M }

// Run builds the plugin in a folder of its own, where no library lies beside it.
func (b built) Run() int {
	folder, err := os.MkdirTemp("", "vsed-encoder")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "vsed-encoder-onnx")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the plugin: %v: %s\n", err, output)
		return 1
	}
	return b.tests.Run()
}

// arguments name the bundle and the library that `make model` made.
func arguments(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(bundleFolder, "manifest.json")); err != nil {
		t.Skip("no built-in bundle: run `make model` first")
	}
	return []string{"--bundle", absolute(t, bundleFolder), "--library", absolute(t, runtimetest.Path(t))}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func TestConformance(t *testing.T) {
	plugintest.Encoder(t, host.Command{Name: "builtin", Path: program, Args: arguments(t)})
}

// TestOnTheCPUItIsConfined asks the kernel of the process that serves.
func TestOnTheCPUItIsConfined(t *testing.T) {
	process, err := host.Launch(t.Context(), host.Command{Kind: host.Encoder, Name: "builtin", Path: program, Args: append(arguments(t), "--providers", "cpu")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Kill()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.ID()))
	if err != nil {
		t.Fatal(err)
	}
	const filtered = "2"
	for name, want := range map[string]string{"NoNewPrivs": "1", "Seccomp": filtered} {
		if _, line, found := strings.Cut(string(status), "\n"+name+":\t"); !found {
			t.Skipf("this kernel has no %s", name)
		} else if got, _, _ := strings.Cut(line, "\n"); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// TestAdoptedModelsConform takes models of both generations as they lie on a hub.
func TestAdoptedModelsConform(t *testing.T) {
	library := arguments(t)[3]
	for _, o := range []tinyclip.Options{{}, {Newer: true, Single: true}} {
		t.Run(fmt.Sprintf("newer %v", o.Newer), func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "tiny")
			if err := tinyclip.Write(folder, o); err != nil {
				t.Fatal(err)
			}
			adopt := exec.Command(program, "--adopt", folder, "--library", library, "--source", "a hub", "--revision", "1", "--licence", "MIT")
			if output, err := adopt.CombinedOutput(); err != nil || len(output) > 0 {
				t.Fatalf("%v: %s", err, output)
			}
			plugintest.Encoder(t, host.Command{Name: "tiny", Path: program, Args: []string{"--bundle", folder, "--library", library}})
		})
	}
}

func TestMeasure(t *testing.T) {
	output, err := exec.Command(program, append(arguments(t), "--measure")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found measurement
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatal(err)
	}
	if found.PictureMS <= 0 || found.TextMS <= 0 {
		t.Errorf("measured %+v", found)
	}
}

func TestDoctor(t *testing.T) {
	output, err := exec.Command(program, "--doctor", "--library", arguments(t)[3]).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found runtime.Report
	if err := json.Unmarshal(output, &found); err != nil || found.Library.Version == "" || !slices.Contains(found.Providers, "cpu") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestStartUpErrors are what a user sees when the encoder does not come up: one
// line that names the thing and the remedy.
func TestStartUpErrors(t *testing.T) {
	sound := arguments(t)
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "manifest.json"), []byte(`{"format": 2, "nmae": "x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, arguments ...string) {
		t.Helper()
		command := exec.Command(program, append(arguments, "--measure")...)
		command.Env = []string{"PATH=/nowhere"}
		output, err := command.CombinedOutput()
		text := strings.TrimSpace(string(output))
		if err == nil || !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("%v: %v, %q; want one line with %q", arguments, err, text, want)
		}
	}
	f("--bundle names no encoder bundle")
	f("`make model` makes the built-in one", "--bundle", "/nowhere")
	f("nmae is not a field that is known", "--bundle", damaged)
	f("/nowhere/lib.so does not exist; run `make model`", "--bundle", sound[1], "--library", "/nowhere/lib.so")
}

// TestChangedBundleIsRefused changes one byte of a graph.
func TestChangedBundleIsRefused(t *testing.T) {
	sound := arguments(t)
	folder := filepath.Join(t.TempDir(), "bundle")
	if err := os.CopyFS(folder, os.DirFS(sound[1])); err != nil {
		t.Fatal(err)
	}
	graph := filepath.Join(folder, "project.onnx")
	data, err := os.ReadFile(graph)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(graph, data, 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(program, "--bundle", folder, "--library", sound[3], "--measure").CombinedOutput()
	if err == nil || !strings.Contains(string(output), "project.onnx is not the file that the manifest lists") {
		t.Errorf("%v, %s", err, output)
	}
}
