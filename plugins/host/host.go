// Package host starts plugins, keeps them alive and calls them.
//
// A plugin is a process of its own that may crash, hang, lie or not be a plugin
// at all: every call has a deadline and every reply is checked before it is
// handed on, and none of it takes the caller along. EncoderHost and DecoderHost
// start their process with the first call, once, and replace it after a crash.
// Callers see five typed errors: *RejectedError, *CrashError, *TimeoutError,
// *ReplyError and *UnavailableError.
//
// What belongs here is process, socket and protocol; not which photo to decode,
// what to do with a vector, or how often to try again.
package host

import (
	"time"

	"vsed/plugins/contract"
)

// Kind says which service a plugin serves.
type Kind string

// The kinds of plugin.
const (
	Decoder Kind = contract.DecoderKind
	Encoder Kind = contract.EncoderKind
)

// Command says how to start a plugin.
type Command struct {
	Kind Kind
	Name string // for messages: "encoder builtin"
	Path string // of the executable
	Args []string
	Env  []string // added to a minimal environment, "KEY=value"

	// RuntimeDir holds a folder with the socket of each running plugin. It is
	// created with mode 0700 where it is absent; empty: the system's folder for
	// temporary files. A socket's path may not exceed 107 bytes.
	RuntimeDir string

	// StartTimeout bounds a start, loading of a model included; zero: 1 minute.
	StartTimeout time.Duration

	// Nicer is how much more than this process the plugin gives way on the CPU.
	Nicer int

	// Memory bounds what a process of Train allocates, in bytes; 0: not at all.
	Memory uint64
}

// Policy says how patient a host is. Zero fields take the default.
type Policy struct {
	// CallTimeout is the life of one call, whoever waits for it; default 30 s. A
	// call that outlives it has its process killed and replaced.
	CallTimeout time.Duration
	// BackoffFirst is the pause after the second crash in a row (after the first
	// there is none), doubled by each further one; default 250 ms. A call that
	// succeeds ends the row.
	BackoffFirst time.Duration
	// BackoffLimit is the longest pause; default 30 s.
	BackoffLimit time.Duration
}

func (p Policy) withDefaults() Policy {
	return Policy{
		CallTimeout:  orDefault(p.CallTimeout, 30*time.Second),
		BackoffFirst: orDefault(p.BackoffFirst, 250*time.Millisecond),
		BackoffLimit: orDefault(p.BackoffLimit, 30*time.Second),
	}
}

// pause returns how long to wait after a number of crashes in a row.
func (p Policy) pause(crashes int) time.Duration {
	if crashes < 2 {
		return 0
	}
	pause := p.BackoffFirst
	for range crashes - 2 {
		if pause >= p.BackoffLimit {
			break
		}
		pause *= 2
	}
	return min(pause, p.BackoffLimit)
}

func orDefault(value, standard time.Duration) time.Duration {
	if value > 0 {
		return value
	}
	return standard
}
