package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/plugins/sdk"
)

// roleVariable makes the test binary another program: a decoder plugin, or a host
// that waits to be killed.
const roleVariable = "VSED_TEST_ROLE"

// fake is the path of the built vsed-encoder-fake.
var fake string

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "decoder":
		sdk.ServeDecoder(newTestDecoder)
		return
	case "host":
		beHost()
		return
	}
	goleak.VerifyTestMain(buildFake{m})
}

// buildFake builds the fake encoder around a run of all tests.
type buildFake struct{ tests *testing.M }

func (b buildFake) Run() int {
	folder, err := os.MkdirTemp("", "vsed-host-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	fake = filepath.Join(folder, "vsed-encoder-fake")
	build := exec.Command("go", "build", "-o", fake, "vsed/plugins/plugintest/vsed-encoder-fake")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the fake encoder:", err)
		return 1
	}
	return b.tests.Run()
}

func fakeCommand(t testing.TB, flags ...string) Command {
	return Command{Name: "encoder fake", Kind: Encoder, Path: fake, Args: flags, RuntimeDir: runtimeFolder(t)}
}

// runtimeFolder is checked to be empty at the test's end: no socket is left.
func runtimeFolder(t testing.TB) string {
	folder, err := os.MkdirTemp("", "vsed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
			t.Errorf("left in the runtime folder: %v %v", left, err)
		}
		os.RemoveAll(folder)
	})
	return folder
}

func fakeEncoder(t testing.TB, policy Policy, flags ...string) *EncoderHost {
	return encoderOf(t, policy, fakeCommand(t, flags...))
}

func encoderOf(t testing.TB, policy Policy, command Command) *EncoderHost {
	encoder := NewEncoder(command, policy, quiet())
	t.Cleanup(func() { encoder.Close() })
	return encoder
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// script writes an executable shell script that may be given as a plugin.
func script(t testing.TB, lines ...string) string {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func processOf(t testing.TB, s *supervisor) *described {
	process, err := s.running(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return process
}

// alive reports whether a process runs; one that nobody has reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

// eventually polls, for what happens in another process.
func eventually(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !condition(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func picture(red, green, blue byte) []byte {
	picture := make([]byte, 0, 32*32*3)
	for range 32 * 32 {
		picture = append(picture, red, green, blue)
	}
	return picture
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
