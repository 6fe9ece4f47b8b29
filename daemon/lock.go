package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vsed/daemon/catalogue"
	"vsed/daemon/check"
)

// A stateLock keeps other daemons out of the state folder for as long as it is
// open; the kernel lets go when the process ends.
type stateLock struct {
	file *os.File
	// made are the folders that were not there before, the innermost first.
	made []string
}

// lockState makes the state folder, and the lock in it. Unless keep is called,
// Close removes what was made.
func lockState(state string) (*stateLock, error) {
	made := missing(state)
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w; choose another with --state", err)
	}
	path := filepath.Join(state, "lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w; choose another with --state", err)
	}
	err = acquire(lock)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := holderOf(lock)
		lock.Close()
		return nil, fmt.Errorf("the state folder %s is in use by another vsed (process %s): stop that one, or choose another with --state", state, holder)
	}
	if err == nil {
		err = writeHolder(lock)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the state folder %s: %w", state, err), lock.Close())
	}
	return &stateLock{file: lock, made: made}, nil
}

const (
	// orphanPatience is how long the lock of a process that is gone is waited for. A
	// plugin that it was starting when it was killed has the lock until its own program
	// runs, which takes a loaded machine a while.
	orphanPatience = 10 * time.Second
	orphanPause    = 20 * time.Millisecond
)

// acquire takes the lock, or fails with EWOULDBLOCK where a living process has it.
func acquire(lock *os.File) error {
	for begin := time.Now(); ; time.Sleep(orphanPause) {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Since(begin) > orphanPatience {
			return err
		}
		process, malformed := strconv.Atoi(holderOf(lock))
		if malformed != nil || !errors.Is(unix.Kill(process, 0), unix.ESRCH) {
			return err
		}
	}
}

// holderOf gives the number of the process that took the lock last, as text; empty
// where it has not said so yet.
func holderOf(lock *os.File) string {
	text := make([]byte, 32)
	length, _ := lock.ReadAt(text, 0) // it is for a message, which stands without
	return strings.TrimSpace(string(text[:length]))
}

// missing gives the folders of the path that are not there, the innermost first.
func missing(path string) (folders []string) {
	for {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return folders
		}
		folders = append(folders, path)
		path = filepath.Dir(path)
	}
}

// keep says that the state is worth keeping: the daemon came to serve from it.
func (l *stateLock) keep() { l.made = nil }

// Close lets go of the state folder; one that a failed start made is removed.
func (l *stateLock) Close() (err error) {
	for i, folder := range l.made {
		if i == 0 {
			err = os.RemoveAll(folder)
			continue
		}
		_ = os.Remove(folder) // whoever uses it meanwhile may keep it
	}
	return errors.Join(err, l.file.Close())
}

// Check verifies the state folder of a daemon that does not run.
func Check(ctx context.Context, state string, repair bool) (findings []catalogue.Finding, err error) {
	if _, err := os.Stat(filepath.Join(state, "catalogue.db")); err != nil {
		return nil, fmt.Errorf("there is no catalogue in %s: name the state folder of a vsed", state)
	}
	lock, err := lockState(state)
	if err != nil {
		return nil, err
	}
	defer closing(&err, lock.Close)
	return check.Run(ctx, state, repair)
}

func writeHolder(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(lock, os.Getpid())
	return err
}
