package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

// heldBy gives a state folder that is locked, as it says by this process.
func heldBy(t *testing.T, process int) (state string, lock *os.File) {
	t.Helper()
	state = t.TempDir()
	lock, err := os.Create(filepath.Join(state, "lock"))
	if err == nil {
		_, err = fmt.Fprintln(lock, process)
	}
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	return state, lock
}

// gone gives the number of a process that has ended.
func gone(t *testing.T) int {
	t.Helper()
	command := exec.Command("true")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	return command.Process.Pid
}

func TestOneDaemonAState(t *testing.T) {
	state, _ := heldBy(t, os.Getpid())
	_, err := lockState(state)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by another vsed (process %d)", os.Getpid())) {
		t.Errorf("beside a living daemon: %v", err)
	}
}

func TestTheLockOfAKilledDaemonIsWaitedFor(t *testing.T) {
	state, held := heldBy(t, gone(t))
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error)
		go func() {
			lock, err := lockState(state)
			if err == nil {
				err = lock.Close()
			}
			done <- err
		}()
		synctest.Wait()
		held.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheLockOfAKilledDaemonIsNotWaitedForForEver(t *testing.T) {
	state, _ := heldBy(t, gone(t))
	synctest.Test(t, func(t *testing.T) {
		if _, err := lockState(state); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("a lock that nobody lets go: %v", err)
		}
	})
}
