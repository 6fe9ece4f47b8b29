package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path) // a number for the message; without it the message stands
		lock.Close()
		return nil, fmt.Errorf("the state folder %s is in use by another vsed (process %s): stop that one, or choose another with --state",
			state, strings.TrimSpace(string(holder)))
	}
	if err == nil {
		err = writeHolder(lock)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the state folder %s: %w", state, err), lock.Close())
	}
	return &stateLock{file: lock, made: made}, nil
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
