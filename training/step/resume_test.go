package step

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/checkpoint"
)

// childVariable makes this test's binary a run that writes a checkpoint, which the
// variable names, after every step.
const childVariable = "VSED_STEP_TEST_CHECKPOINT"

// wholeRun is how many steps a run takes.
const wholeRun = 40

func child(path string) int {
	library, err := runtime.Load([]string{os.Getenv(runtime.Environment)})
	if err == nil {
		err = trainOn(library, path, func(step int) { fmt.Println(step) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// trainOn goes on from a checkpoint, or begins, and runs to the end.
func trainOn(library *runtime.Library, path string, saved func(step int)) error {
	trial, err := newTrial(library, small, 2)
	if err != nil {
		return err
	}
	defer trial.step.Close()
	state, err := checkpoint.Read(path)
	if err == nil {
		err = trial.restore(state)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for trial.adam.Steps() < wholeRun {
		trial.drawBatch()
		if _, _, err := trial.learn(context.Background()); err != nil {
			return err
		}
		if state, err = trial.state(); err != nil {
			return err
		}
		if err := checkpoint.Write(path, state); err != nil {
			return err
		}
		saved(trial.adam.Steps())
	}
	return nil
}

// TestKilledRunGoesOn kills a run again and again, wherever it is, and compares its
// end with that of one that nobody kills.
func TestKilledRunGoesOn(t *testing.T) {
	runtimetest.Load(t)
	folder := t.TempDir()
	killed, whole := filepath.Join(folder, "killed"), filepath.Join(folder, "whole")
	if kills := runToTheEnd(t, killed, 7); kills < 1 {
		t.Errorf("was killed %d times", kills)
	}
	if kills := runToTheEnd(t, whole, wholeRun+1); kills != 0 {
		t.Errorf("was killed %d times", kills)
	}
	a, err := checkpoint.Read(killed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := checkpoint.Read(whole)
	if err != nil {
		t.Fatal(err)
	}
	if a.Step != wholeRun || !reflect.DeepEqual(a, b) {
		t.Errorf("the ends differ, after %d and %d steps", a.Step, b.Step)
	}
}

// runToTheEnd starts a run anew whenever it was killed, which happens once it has
// said so many times that a step is saved.
func runToTheEnd(t *testing.T, path string, patience int) (kills int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for kills <= wholeRun {
		command := exec.CommandContext(t.Context(), program)
		command.Env = append(os.Environ(), childVariable+"="+path, runtime.Environment+"="+runtimetest.Path(t))
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
		if err == nil {
			return kills
		}
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatal(err)
		}
		kills++
	}
	t.Fatal("a run that goes on from its checkpoints does not end")
	return kills
}
