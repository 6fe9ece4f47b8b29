package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

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
	f("its preparation failed (signal: killed)", fakeCommand(t, "--die-preparing"))
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
