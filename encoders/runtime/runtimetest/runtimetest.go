// Package runtimetest finds ONNX Runtime's library for tests of other packages: the one
// that the environment names, else the one that `make model` puts in its place. A test
// that finds none is skipped and says so.
package runtimetest

import (
	"os"
	"path/filepath"
	"testing"

	"vsed/encoders/runtime"
)

// Path is where the library lies.
func Path(t testing.TB) string {
	t.Helper()
	path := os.Getenv(runtime.Environment)
	if path == "" {
		path = filepath.Join(module(t), "build", "lib", "libonnxruntime.so.1")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("no libonnxruntime: run `make model` first")
	}
	return path
}

// Load gives the library, which all tests of a process share.
func Load(t testing.TB) *runtime.Library {
	t.Helper()
	library, err := runtime.Load([]string{Path(t)})
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// module is the folder of go.mod; a test runs in that of its package.
func module(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("no go.mod above the test")
		}
		folder = above
	}
}
