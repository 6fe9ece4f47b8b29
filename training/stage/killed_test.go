package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/checkpoint"
)

// childVariable makes this test's binary a run of both stages that keeps its state in
// the folder which the variable names, and its heads when it ends.
const childVariable = "VSED_STAGE_TEST_FOLDER"

func TestMain(m *testing.M) {
	folder := os.Getenv(childVariable)
	if folder == "" {
		os.Exit(m.Run())
	}
	if err := child(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child says each epoch.
func child(folder string) error {
	library, err := runtime.Load([]string{os.Getenv(runtime.Environment)})
	if err != nil {
		return err
	}
	w := newWorld()
	one, two := trial(), trialTwo()
	one.Epochs, two.Epochs = 6, 20
	one.Saving = Saving{filepath.Join(folder, "one"), 2}
	two.Saving = Saving{filepath.Join(folder, "two"), 2}
	heads, err := one.Run(context.Background(), library, trialHeads(0), w.draw(100, 1), func(e Epoch, _ Heads) error {
		fmt.Println("stage I", e.Number)
		return nil
	})
	if err != nil {
		return err
	}
	if heads, err = two.Run(context.Background(), library, heads, w.tagged(60, 1), w.draw(100, 1), func(e Epoch) error {
		fmt.Println("stage II", e.Number)
		return nil
	}); err != nil {
		return err
	}
	return checkpoint.Write(filepath.Join(folder, "heads"), checkpoint.State{Tensors: heads.State()})
}

// TestARunThatIsKilledGoesOn kills the process again and again, wherever it is, and
// compares its end with that of one that nobody kills.
func TestARunThatIsKilledGoesOn(t *testing.T) {
	runtimetest.Load(t)
	f := func(patience int) (heads Heads, kills int) {
		t.Helper()
		folder := t.TempDir()
		for kills <= 30 && !runUntil(t, folder, patience) {
			kills++
		}
		state, err := checkpoint.Read(filepath.Join(folder, "heads"))
		heads = trialHeads(9)
		if err == nil {
			err = heads.Restore(state)
		}
		if err != nil {
			t.Fatal(err)
		}
		return heads, kills
	}
	whole, none := f(1000)
	heads, kills := f(5)
	if none != 0 || kills < 2 {
		t.Errorf("was killed %d times, and %d", none, kills)
	}
	if !slices.Equal(whole.numbers(), heads.numbers()) {
		t.Errorf("%d kills lead to other heads", kills)
	}
}

// runUntil starts a run and kills it once it has said so many epochs.
func runUntil(t *testing.T, folder string, patience int) (ended bool) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program)
	command.Env = append(os.Environ(), childVariable+"="+folder, runtime.Environment+"="+runtimetest.Path(t))
	command.Stderr = os.Stderr
	said, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for heard := 0; lines.Scan(); {
		if heard++; heard == patience {
			if err := command.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
	}
	err = command.Wait()
	var killed *exec.ExitError
	if errors.As(err, &killed) && killed.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}
