// Package sandbox takes from the process what its work does not need, for good: opening
// files that are none of its own, sockets, other programs and processes, and memory
// without end. It knows nothing of photos, models or plugins.
//
// Three layers, each of use without the others: resource limits, which every
// kernel has; a seccomp filter, which allows the calls that the work makes and
// answers all others with EPERM; Landlock, which denies all files but those that are
// named, where the kernel has it. Descriptors that are open already stay usable.
package sandbox

import (
	"errors"
	"fmt"

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

// Needs are what the process goes on doing once it is confined, besides computing and
// using what is open.
type Needs struct {
	Sockets bool   // to answer on those that are open
	Listen  string // folder in which a Unix socket may be made to answer on

	// Read are files, and folders with all that is below them. What does not exist is
	// passed over.
	Read []string
	// Write are folders, below which plain files and folders may be made, changed and
	// deleted. A link into them is refused: by its other name a file that may only be
	// read could be written.
	Write []string
}

func (n Needs) files() bool { return len(n.Read)+len(n.Write)+len(n.Listen) > 0 }

// State says how far Confine came.
type State struct {
	Lacking []string // layers that are not on, each with its cause, one line each
	Weak    bool     // more is lacking than what the kernel does not have
}

// Confine applies Landlock and the seccomp filter to every thread. A layer that
// cannot be put on is no error: the process is one of its own in any case. Without
// Landlock a process that needs files may open all that its user may; of the filter
// nothing is missing then.
func Confine(needs Needs) (State, error) {
	var state State
	if err := restrictFiles(needs); err != nil {
		state.Lacking = append(state.Lacking, fmt.Sprintf("Landlock is not on: %v", err))
		state.Weak = !errors.Is(err, errNoLandlock)
	}
	switch err := filterCalls(needs); {
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
