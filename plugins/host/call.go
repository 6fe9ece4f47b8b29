package host

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errOutlived is the cause with which a call's context ends at its deadline.
var errOutlived = errors.New("the call outlived its deadline")

// detach runs f and waits for it, but no longer than ctx: f goes on alone then,
// so that a plugin that hangs is found out however impatient its callers are.
func detach[T any](ctx context.Context, s *supervisor, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	var none T
	if err := s.spawn(func() {
		value, err := f()
		done <- outcome{value, err}
	}); err != nil {
		return none, err
	}
	select {
	case result := <-done:
		return result.value, result.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// ask makes one call to a running process, for as long as ctx lets it wait.
func ask[T any](ctx context.Context, s *supervisor, name string, call func(context.Context, *described) (T, error)) (T, error) {
	var none T
	process, err := s.running(ctx)
	if err != nil {
		return none, err
	}
	return detach(ctx, s, func() (T, error) {
		return invoke(s, process, name, func(ctx context.Context) (T, error) { return call(ctx, process) })
	})
}

// spawn runs f in a goroutine that close waits for.
func (s *supervisor) spawn(f func()) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.goroutines.Go(f)
	return nil
}

// invoke makes one call with its own deadline and judges what became of it. The
// value is the caller's only where the error is nil.
func invoke[T any](s *supervisor, process *described, name string, f func(context.Context) (T, error)) (T, error) {
	// The plugin is not told the deadline: it could answer just before it that it
	// has passed, and whose word would count then?
	ctx, cancel := context.WithCancelCause(s.context)
	defer cancel(nil)
	deadline := time.AfterFunc(s.policy.CallTimeout, func() { cancel(errOutlived) })
	defer deadline.Stop()
	value, err := f(ctx)
	err = s.judge(ctx, process, name, err)
	if err == nil || isRejected(err) {
		s.succeeded(process)
	}
	return value, err
}

func isRejected(err error) bool {
	var rejected *RejectedError
	return errors.As(err, &rejected)
}

// judge says whose fault an error was.
func (s *supervisor) judge(ctx context.Context, process *described, name string, err error) error {
	var wrong *ReplyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return wrong
	case s.context.Err() != nil:
		return ErrClosed
	case context.Cause(ctx) == errOutlived:
		timeout := &TimeoutError{Plugin: s.command.Name, Call: name, After: s.policy.CallTimeout}
		s.discard(process, timeout.Error())
		return timeout
	}
	return s.judgeStatus(process, name, status.Convert(err))
}

func (s *supervisor) judgeStatus(process *described, name string, answer *status.Status) error {
	message := printable(answer.Message(), reasonLimit)
	switch answer.Code() {
	case codes.InvalidArgument:
		return &RejectedError{Plugin: s.command.Name, Reason: message}
	case codes.ResourceExhausted:
		if strings.HasPrefix(answer.Message(), "grpc: received message") {
			return &ReplyError{Plugin: s.command.Name, Reason: name + ": " + message}
		}
		return &RejectedError{Plugin: s.command.Name, Reason: message}
	case codes.FailedPrecondition:
		return s.setUpWrongly(message)
	case codes.Unavailable:
		return s.crashed(process)
	}
	if process.hasExited() {
		return s.crashed(process)
	}
	return &ReplyError{Plugin: s.command.Name, Reason: name + ": " + answer.Code().String() + ": " + message}
}

// setUpWrongly keeps the plugin's words for status; it goes on running.
func (s *supervisor) setUpWrongly(message string) error {
	reason := s.command.Path + ": " + message
	s.mutex.Lock()
	s.problem = reason
	s.mutex.Unlock()
	return &UnavailableError{Plugin: s.command.Name, Reason: reason}
}

// crashed is called when the connection is broken, which is the end of the
// process even where it lives on.
func (s *supervisor) crashed(process *described) error {
	reason := "it closed its connection"
	if process.waitABit(s.context) {
		reason = process.obituary()
	}
	if process.wasKilled() {
		return &UnavailableError{Plugin: s.command.Name, Reason: s.command.Path + ": it was killed because of another call; try again"}
	}
	s.discard(process, reason)
	return &CrashError{Plugin: s.command.Name, Reason: reason}
}

// reasonOf returns what belongs into Problem.
func reasonOf(err error) string {
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable.Reason
	}
	return err.Error()
}
