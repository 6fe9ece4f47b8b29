package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
)

func TestPrepareReportsProgress(t *testing.T) {
	var steps []int
	err := Prepare(t.Context(), fakeCommand(t), quiet(), func(progress contract.Progress) {
		if progress.Step != "building the fake engine" || progress.Total != 4 {
			t.Errorf("progress %+v", progress)
		}
		steps = append(steps, progress.Done)
	})
	if err != nil || !slices.Equal(steps, []int{0, 1, 2, 3, 4}) {
		t.Errorf("steps %v, %v", steps, err)
	}
}

func TestFailedPreparationsAreExplained(t *testing.T) {
	f := func(want string, command Command) {
		t.Helper()
		err := Prepare(t.Context(), command, quiet(), func(contract.Progress) {})
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
	f("exit status 1); it wrote: vsed-encoder-fake: the fake engine cannot be built for this device; use another provider", fakeCommand(t, "--fail-preparing"))
	f("its preparation failed (signal: killed); the system does that where memory runs out", fakeCommand(t, "--die-preparing"))
	f("it wrote: fatal error: runtime: out of memory; it may take 1073 MB: raise memory.limit",
		Command{Name: "large", Memory: 1 << 30, Path: script(t, `echo "fatal error: runtime: out of memory" >&2`, `echo "goroutine 1" >&2`, "exit 2")})
	f("failed:std::bad_alloc; free some memory", Command{Name: "large", Path: script(t, `echo "Load model failed:std::bad_alloc" >&2`, "exit 1")})
	f("it does not exist", Command{Name: "none", Path: "/nowhere/plugin"})
	f("has nothing to prepare", Command{Name: "old", Path: script(t, `echo "1|1|unix|/x|grpc|"`, "exec sleep 60")})
}

func TestPreparationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	command := Command{Name: "long", Path: script(t, `echo '{"step":"begun"}'`, "sleep 60 & wait")}
	err := Prepare(ctx, command, quiet(), func(contract.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTrainHandsOnWhatATrainerReports(t *testing.T) {
	folder := t.TempDir()
	command := Command{
		Name: "trainer", Path: script(t, `test "$VSED_PREPARE" = "" && test "$VSED_PLUGIN" != "" && test -p /proc/self/fd/3 || exit 9`,
			`echo '{"step":"learning","done":1,"total":2}'`, `echo done >"$3/report.json"`, `nice`),
		Args: []string{"learn", "--run", folder}, Nicer: 7,
	}
	var steps []contract.Progress
	var log bytes.Buffer
	err := Train(t.Context(), command, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(progress contract.Progress) { steps = append(steps, progress) })
	if err != nil || len(steps) != 1 || steps[0] != (contract.Progress{Step: "learning", Done: 1, Total: 2}) {
		t.Errorf("steps %v, %v", steps, err)
	}
	if written, err := os.ReadFile(filepath.Join(folder, "report.json")); err != nil || string(written) != "done\n" {
		t.Errorf("written %q, %v", written, err)
	}
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	const none, nicest = 20, 19
	if want := fmt.Sprintf("msg=%d", min(none-own+7, nicest)); !strings.Contains(log.String(), want) {
		t.Errorf("not nicer by 7, %s: %s", want, log.String())
	}
	command.Path = script(t, `echo "vsed-trainer: the disk is full" >&2`, "exit 1")
	err = Train(t.Context(), command, quiet(), func(contract.Progress) {})
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "its run failed (exit status 1); it wrote: vsed-trainer: the disk is full") {
		t.Errorf("error %v", err)
	}
}

func TestTrainBoundsMemory(t *testing.T) {
	command := Command{
		Name: "trainer", Memory: 1 << 30,
		Path: script(t, `while test "$(ulimit -d)" = unlimited; do sleep 0.01; done`, `echo "at most $(ulimit -d) KiB" >&2`, "exit 1"),
	}
	err := Train(t.Context(), command, quiet(), func(contract.Progress) {})
	if err == nil || !strings.Contains(err.Error(), "at most 1048576 KiB") {
		t.Errorf("error %v", err)
	}
}
