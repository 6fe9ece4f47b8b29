package encoder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime/runtimetest"
)

func TestParseProviders(t *testing.T) {
	if found, err := ParseProviders("tensorrt, cuda,cpu"); err != nil || !slices.Equal(found, []string{"tensorrt", "cuda", "cpu"}) {
		t.Errorf("%v, %v", found, err)
	}
	f := func(list, want string) {
		t.Helper()
		if _, err := ParseProviders(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
	f("", "is none of")
	f("cuda,rocm", `"rocm" is none of`)
	f("cpu,cpu", "stands twice")
}

// TestMissingGPU asks for providers that the CPU's library does not have.
func TestMissingGPU(t *testing.T) {
	if slices.Contains(runtimetest.Load(t).Providers(), "cuda") {
		t.Skip("the library has CUDA")
	}
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(t.Context(), read, runtimetest.Load(t), Options{Providers: []string{"tensorrt", "cuda", "cpu"}})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, session := range opened.about.Sessions {
		if session.AskedProvider != "tensorrt" || session.Provider != "cpu" || !strings.Contains(session.Fallback, "provider tensorrt") {
			t.Errorf("session %v", session)
		}
	}
	_, err = Open(t.Context(), read, runtimetest.Load(t), Options{Providers: []string{"cuda"}})
	if err == nil || !strings.Contains(err.Error(), "no provider that was asked for can run; provider cuda") {
		t.Errorf("error %v", err)
	}
	allowed, err := Open(t.Context(), read, runtimetest.Load(t), Options{Providers: []string{"cuda"}, AllowCPUFallback: true})
	if err != nil {
		t.Fatal(err)
	}
	allowed.Close()
}

func TestStaleEnginesAreRemoved(t *testing.T) {
	options := Options{Cache: t.TempDir()}.withDefaults()
	for _, name := range []string{"tensorrt-old", "tensorrt-now", "tensorrt-runs", "other"} {
		if err := mark(filepath.Join(options.Cache, name), nil); err != nil {
			t.Fatal(err)
		}
	}
	e := engines{held: []*os.File{hold(filepath.Join(options.Cache, "tensorrt-runs"))}}
	removeStale(options, []string{"tensorrt-now"})
	left, err := filepath.Glob(filepath.Join(options.Cache, "*", readyMark))
	for i := range left {
		left[i] = filepath.Base(filepath.Dir(left[i]))
	}
	if err != nil || !slices.Equal(left, []string{"other", "tensorrt-now", "tensorrt-runs"}) {
		t.Errorf("left are %q, %v", left, err)
	}
	e.release()
	removeStale(options, []string{"tensorrt-now"})
	if _, err := os.Stat(filepath.Join(options.Cache, "tensorrt-runs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an engine stays that nothing runs on: %v", err)
	}
}

func TestEngineMarks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "engine")
	f := func(wantReady bool, wantRefusal string) {
		t.Helper()
		if ready, refusal := judged(folder); ready != wantReady || refusal != wantRefusal {
			t.Errorf("ready %v, refusal %q; want %v, %q", ready, refusal, wantReady, wantRefusal)
		}
	}
	f(false, "")
	if err := mark(folder, errors.New("wrong\nvectors")); err != nil {
		t.Fatal(err)
	}
	f(false, "wrong vectors")
	if err := mark(folder, nil); err != nil {
		t.Fatal(err)
	}
	f(true, "")
}
