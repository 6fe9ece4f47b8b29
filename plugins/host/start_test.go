package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// greetingOf is what a Go plugin prints first, with a place for each lie.
const greetingOf = `echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/plugin1|grpc|"`

func TestStartProblemsNameThePluginAndTheRemedy(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("not a program"), 0o644); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte("\x7fELF but no more"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := func(path string, args []string, timeout time.Duration, want ...string) {
		t.Helper()
		command := Command{Name: "encoder odd", Path: path, Args: args, StartTimeout: timeout, RuntimeDir: runtimeFolder(t)}
		_, err := encoderOf(t, Policy{}, command).Describe(t.Context())
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) {
			t.Errorf("%v", err)
			return
		}
		for _, part := range append(want, path) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not contain %q", err, part)
			}
		}
		if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1200 {
			t.Errorf("%q is not one bounded, plain line", err)
		}
	}
	const patient = 30 * time.Second
	f("/nowhere/plugin", nil, patient, "does not exist", "reinstall")
	f(plain, nil, patient, "not executable", "chmod +x")
	f(binary, nil, patient, "not a program for this machine", "install the build for")
	f(t.TempDir(), nil, patient, "not executable")
	f("/bin/true", nil, patient, "ended in start-up (exit status 0)")
	f(script(t, "echo hello; cat"), nil, patient, `it printed "hello" first`)
	f(script(t, "yes | tr -d '\\n'"), nil, patient, "not a plugin of vsed")
	f(script(t, "exec sleep 60"), nil, 200*time.Millisecond, "did not start within 200ms", "more time")
	f(script(t, "sleep 60 & exec sleep 60"), nil, 200*time.Millisecond, "did not start within 200ms")
	f(script(t, "echo '1|7|unix|/x|grpc|'; sleep 60"), nil, patient, "speaks version 7", "this vsed speaks 1")
	f(script(t, "echo '1|1|tcp|127.0.0.1:1|grpc|'; sleep 60"), nil, patient, "listens outside")
	f(script(t, "echo '1|1|unix|/tmp/x|grpc|'; sleep 60"), nil, patient, "listens outside")
	f(script(t, `echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/x|netrpc|"; sleep 60`), nil, patient, "not gRPC")
	f(script(t, strings.Replace(greetingOf, "grpc|", "grpc|"+strings.Repeat("A", 60), 1), "exec sleep 60"), nil, patient, "cannot be called")
	f(script(t, greetingOf, "echo last words >&2; exit 4"), nil, patient, "exit status 4", "last words")
	f(script(t, "printf 'bad \\033[2J\\n{\"@message\":1}\\n' >&2; exit 5"), nil, patient, "exit status 5", "bad")
	f(fake, []string{"--die-at-start"}, patient, "exit status 1", "dying at start")
	f(fake, []string{"--slow-start", "1h"}, 200*time.Millisecond, "did not start within 200ms")
}

func TestStartOfTheWrongKind(t *testing.T) {
	command := testDecoderCommand(t)
	_, err := encoderOf(t, Policy{}, command).Describe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "descriptor 4 is not the descriptor socket") {
		t.Errorf("a decoder as encoder: %v", err)
	}
	command = fakeCommand(t)
	decoder := NewDecoder(command, Policy{}, quiet())
	defer decoder.Close()
	_, err = decoder.Describe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "not a plugin of kind decoder") {
		t.Errorf("an encoder as decoder: %v", err)
	}
}

func TestRuntimeFolderTooLong(t *testing.T) {
	command := fakeCommand(t)
	command.RuntimeDir = filepath.Join(command.RuntimeDir, strings.Repeat("x", 100))
	_, err := encoderOf(t, Policy{}, command).Describe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "too long for a socket") {
		t.Errorf("long runtime folder: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	launches := filepath.Join(t.TempDir(), "launches")
	command := Command{Name: "encoder odd", Path: script(t, `echo >> "$1"; exit 1`), Args: []string{launches}, RuntimeDir: runtimeFolder(t)}
	encoder := encoderOf(t, Policy{BackoffFirst: time.Hour, BackoffLimit: 3 * time.Hour}, command)
	for range 5 {
		_, err := encoder.Describe(t.Context())
		if err == nil {
			t.Fatal("it started")
		}
	}
	_, err := encoder.Describe(t.Context())
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || unavailable.RetryAfter < 59*time.Minute || !strings.Contains(err.Error(), "next try in") {
		t.Errorf("in the pause: %v", err)
	}
	if content, _ := os.ReadFile(launches); len(content) != 2 {
		t.Errorf("launched %d times, want 2", len(content))
	}
}

func TestPolicyPause(t *testing.T) {
	policy := Policy{BackoffFirst: time.Second, BackoffLimit: 5 * time.Second}
	f := func(crashes int, want time.Duration) {
		t.Helper()
		if pause := policy.pause(crashes); pause != want {
			t.Errorf("after %d crashes: %v, want %v", crashes, pause, want)
		}
	}
	f(0, 0)
	f(1, 0)
	f(2, time.Second)
	f(3, 2*time.Second)
	f(4, 4*time.Second)
	f(5, 5*time.Second)
	f(1_000_000, 5*time.Second)
}

func TestSuccessEndsTheRowOfCrashes(t *testing.T) {
	encoder := fakeEncoder(t, Policy{BackoffFirst: time.Hour}, "--crash-on-picture", "010203")
	for range 3 {
		if _, err := encoder.EncodePictures(t.Context(), [][]byte{picture(1, 2, 3)}); err == nil {
			t.Fatal("no crash")
		}
		if _, err := encoder.EncodePictures(t.Context(), [][]byte{picture(9, 9, 9)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWaitingForAStartHeedsTheCaller(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--slow-start", "1h")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := encoder.Describe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait: %v", err)
	}
}

// countingHandler counts what is logged.
type countingHandler struct {
	lines, longest atomic.Int64
}

func (c *countingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (c *countingHandler) Handle(_ context.Context, record slog.Record) error {
	c.lines.Add(1)
	if length := int64(len(record.Message)); length > c.longest.Load() {
		c.longest.Store(length)
	}
	return nil
}

func (c *countingHandler) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *countingHandler) WithGroup(string) slog.Handler      { return c }

func TestAPluginGivesWayOnTheCPU(t *testing.T) {
	niceness := func(nicer int) int {
		t.Helper()
		command := fakeCommand(t)
		command.Nicer = nicer
		encoder := encoderOf(t, Policy{}, command)
		if _, err := encoder.Describe(t.Context()); err != nil {
			t.Fatal(err)
		}
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, encoder.ProcessID())
		if err != nil {
			t.Fatal(err)
		}
		return 20 - raw
	}
	if own := niceness(0); niceness(3) != min(own+3, 19) || niceness(0) != own {
		t.Errorf("a nicer plugin runs with niceness %d, others with %d", niceness(3), own)
	}
}
