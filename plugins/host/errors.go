package host

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed is returned by calls to a host that has been closed.
var ErrClosed = errors.New("plugin host is closed")

// RejectedError is the plugin's verdict on the input, which would be the same
// another time.
type RejectedError struct {
	Plugin string // Command.Name
	Reason string // for a person, one line
}

func (e *RejectedError) Error() string { return fmt.Sprintf("%s: %s", e.Plugin, e.Reason) }

// CrashError says that the process ended in the call. It has been replaced, or
// will be with the next call.
type CrashError struct {
	Plugin string
	Reason string // how it ended and what it wrote last
}

func (e *CrashError) Error() string { return fmt.Sprintf("%s crashed: %s", e.Plugin, e.Reason) }

// TimeoutError says that the call outlived Policy.CallTimeout. The process has
// been killed.
type TimeoutError struct {
	Plugin string
	Call   string
	After  time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s: %s took longer than %v; the plugin was killed", e.Plugin, e.Call, e.After)
}

// Timeout reports true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// ReplyError says that the plugin answered, and wrongly. It goes on running.
type ReplyError struct {
	Plugin string
	Reason string
}

func (e *ReplyError) Error() string {
	return fmt.Sprintf("%s gave a wrong answer: %s", e.Plugin, e.Reason)
}

// UnavailableError says that the plugin cannot work now: it does not start, or
// not yet again, or is set up wrongly, or was killed because of another call. It
// says nothing about the input.
type UnavailableError struct {
	Plugin string
	Reason string // names the executable, what happened and what to do, one line

	// RetryAfter is how long calls will be answered with this error without
	// another try to start the plugin. Zero: the next call tries.
	RetryAfter time.Duration
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%s is unavailable: %s", e.Plugin, e.Reason)
}
