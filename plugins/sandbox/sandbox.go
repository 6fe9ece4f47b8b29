// Package sandbox takes from the process what decoding a photo does not need, for
// good: opening files, sockets, other programs and processes, and memory without
// end. It knows nothing of photos or plugins.
//
// Three layers, each of use without the others: resource limits, which every
// kernel has; a seccomp filter, which allows the calls that decoding makes and
// answers all others with EPERM; Landlock, which denies all files where the
// kernel has it. Descriptors that are open already stay usable.
package sandbox

import (
	"errors"
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// openFiles is enough for standard streams, the host's sockets and pipes, Go's
// poller and the photo, several times over.
const openFiles = 64

// Limit sets the limits on resources: data bytes of private writable memory
// (RLIMIT_DATA, which unlike RLIMIT_AS does not count what is only reserved), 64
// descriptors, no core file, which would hold the photo. What was allocated before
// counts, so a limit below that makes the next allocation fail.
func Limit(data uint64) error {
	for _, limit := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"RLIMIT_DATA", unix.RLIMIT_DATA, data},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, openFiles},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, 0},
	} {
		if err := lower(limit.resource, limit.value); err != nil {
			return fmt.Errorf("set %s to %d: %w", limit.name, limit.value, err)
		}
	}
	return nil
}

// lower never asks for more than the process may have.
func lower(resource int, value uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(resource, &limit); err != nil {
		return err
	}
	value = min(value, limit.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
}

// State says how far Confine came.
type State struct {
	Lacking []string // layers that are not on, each with its cause, one line each
	Weak    bool     // more is lacking than what the kernel does not have
}

// Confine applies Landlock and the seccomp filter to every thread. A layer that
// cannot be put on is no error: the decoder is a process of its own in any case.
// Nothing can be opened afterwards; call it when all is open.
func Confine() (State, error) {
	var state State
	if err := denyFiles(); err != nil {
		state.Lacking = append(state.Lacking, fmt.Sprintf("Landlock is not on: %v", err))
		state.Weak = !errors.Is(err, errNoLandlock)
	}
	switch err := filterCalls(); {
	case err == nil:
		return state, nil
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		state.Lacking = append(state.Lacking, fmt.Sprintf("the seccomp filter is not on: %v", err))
		state.Weak = true
		return state, nil
	default:
		return state, fmt.Errorf("load the seccomp filter: %w", err)
	}
}

// errNoLandlock is a kernel's, before 5.13 or with it switched off.
var errNoLandlock = errors.New("the kernel does not offer it")

// denyFiles allows no path at all, by the strongest rules of the running kernel.
func denyFiles() error {
	version, err := landlocksyscall.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP), err == nil && version < 1:
		return errNoLandlock
	case err != nil:
		return err
	}
	return landlock.V9.BestEffort().Restrict()
}
