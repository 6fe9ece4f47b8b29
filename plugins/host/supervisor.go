package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"vsed/plugins/contract"
)

// supervisor keeps at most one process of a command running and decides when it
// may be started again.
type supervisor struct {
	command Command
	policy  Policy
	log     *slog.Logger
	meet    func(context.Context, *described) error // asks a new process what it is

	context    context.Context // ends with close
	cancel     context.CancelFunc
	goroutines sync.WaitGroup

	mutex   sync.Mutex
	closed  bool
	current *described
	attempt *attempt  // the start in progress
	crashes int       // in a row
	resume  time.Time // no start before
	problem string    // of the last crash or wrong set-up, until a start or call succeeds
}

// described is a process that has said what it is.
type described struct {
	*Process
	encoder *contract.EncoderDescription
	decoder *contract.DecoderDescription
}

// attempt is a start that any number of callers wait for.
type attempt struct {
	done    chan struct{}
	process *described
	err     error
}

func newSupervisor(command Command, policy Policy, log *slog.Logger, meet func(context.Context, *described) error) *supervisor {
	command.StartTimeout = orDefault(command.StartTimeout, defaultStartTimeout)
	s := &supervisor{command: command, policy: policy.withDefaults(), log: log, meet: meet}
	s.context, s.cancel = context.WithCancel(context.Background())
	return s
}

// running returns a living process, started if need be. ctx bounds the wait, not
// the start: others may wait for it too.
func (s *supervisor) running(ctx context.Context) (*described, error) {
	process, start, err := s.look()
	if process != nil || err != nil {
		return process, err
	}
	select {
	case <-start.done:
		return start.process, start.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for %s to start: %w", s.command.Name, ctx.Err())
	}
}

func (s *supervisor) look() (*described, *attempt, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.closed:
		return nil, nil, ErrClosed
	case s.current != nil && !s.current.hasExited():
		return s.current, nil, nil
	case s.attempt != nil:
		return nil, s.attempt, nil
	}
	if wait := time.Until(s.resume); wait > 0 {
		return nil, nil, s.resting(wait)
	}
	started := &attempt{done: make(chan struct{})}
	s.attempt = started
	s.goroutines.Go(func() { s.start(started) })
	return nil, started, nil
}

func (s *supervisor) resting(wait time.Duration) error {
	return &UnavailableError{
		Plugin:     s.command.Name,
		Reason:     fmt.Sprintf("%s (next try in %v)", s.problem, wait.Round(100*time.Millisecond)),
		RetryAfter: wait,
	}
}

func (s *supervisor) start(attempt *attempt) {
	process, err := s.launch()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	defer close(attempt.done)
	s.attempt = nil
	attempt.process, attempt.err = process, err
	if s.closed {
		attempt.process, attempt.err = nil, ErrClosed
		if process != nil {
			process.signalKill()
			s.goroutines.Go(process.Kill)
		}
		return
	}
	if err != nil {
		s.countCrash(reasonOf(err))
		return
	}
	s.current, s.problem = process, ""
	s.goroutines.Go(func() { s.attend(process) })
}

func (s *supervisor) launch() (*described, error) {
	process, err := Launch(s.context, s.command, s.log)
	if err != nil {
		return nil, s.startError(err)
	}
	ctx, cancel := context.WithTimeout(s.context, s.command.StartTimeout)
	defer cancel()
	met := &described{Process: process}
	if err := s.meet(ctx, met); err != nil {
		process.Kill()
		return nil, s.startError(err)
	}
	return met, nil
}

// startError makes an UnavailableError of whatever ended a start.
func (s *supervisor) startError(err error) error {
	if s.context.Err() != nil {
		return ErrClosed
	}
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable
	}
	return &UnavailableError{Plugin: s.command.Name, Reason: s.command.Path + ": " + err.Error()}
}

// attend waits for a process's end and frees what it had.
func (s *supervisor) attend(process *described) {
	<-process.Exited()
	s.discard(process, "it ended: "+process.obituary())
	process.Kill()
}

// discard gives a process up, for a reason that counts as a crash. Only the first
// call for a process has an effect.
func (s *supervisor) discard(process *described, reason string) {
	s.mutex.Lock()
	if s.current == process {
		s.current = nil
		s.countCrash(s.command.Path + ": " + reason)
	}
	s.mutex.Unlock()
	// Last, so that its end is not the reason that is counted.
	process.signalKill()
}

// retire gives up a process that asked for it, which is no crash: the next call
// starts another at once.
func (s *supervisor) retire(process *described, reason string) {
	s.mutex.Lock()
	retired := s.current == process
	if retired {
		s.current = nil
	}
	s.mutex.Unlock()
	if retired {
		s.log.Debug("plugin replaced", "plugin", s.command.Name, "reason", reason)
		process.signalKill()
	}
}

// countCrash is called with the mutex held. A process that close has killed is no
// crash.
func (s *supervisor) countCrash(reason string) {
	if s.closed {
		return
	}
	s.crashes++
	pause := s.policy.pause(s.crashes)
	s.resume = time.Now().Add(pause)
	s.problem = reason
	s.log.Warn("plugin failed", "plugin", s.command.Name, "reason", reason, "in a row", s.crashes, "pause", pause)
}

// succeeded ends the row of crashes. A process that has been given up since has
// left its problem behind.
func (s *supervisor) succeeded(process *described) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.current == process {
		s.crashes, s.problem = 0, ""
	}
}

// processID is that of the living process, 0 where there is none.
func (s *supervisor) processID() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.current == nil || s.current.hasExited() {
		return 0
	}
	return s.current.ID()
}

func (s *supervisor) problemNow() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.problem
}

// failingCrashes in a row are no accident.
const failingCrashes = 3

func (s *supervisor) failing() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.crashes >= failingCrashes
}

// closePatience is how long a killed process is waited for.
const closePatience = time.Second

func (s *supervisor) close() error {
	s.mutex.Lock()
	s.closed = true
	current := s.current
	s.mutex.Unlock()
	s.cancel()
	if current != nil {
		current.signalKill()
	}
	// The kernel keeps a killed process whose call into a filesystem hangs; nobody
	// has to wait for it.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.goroutines.Wait()
	}()
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		s.log.Warn("a plugin was killed and has not ended; nobody waits for it", "plugin", s.command.Name)
	}
	return nil
}
