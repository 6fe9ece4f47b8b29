package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// explain makes the one line that a user reads of a failed start: the executable,
// what happened, the plugin's last words and what to do.
func (p *Process) explain(ctx context.Context, err error) error {
	// A process that just died of it has its reason still in the pipe.
	p.waitABit(ctx)
	reason := p.command.Path + ": " + p.startProblem(ctx, err)
	if words := p.output.lastWords(); words != "" {
		reason += "; it wrote: " + printable(words, reasonLimit)
	}
	return &UnavailableError{Plugin: p.command.Name, Reason: reason}
}

func (p *Process) startProblem(ctx context.Context, err error) string {
	if p.ID() == 0 {
		return executableProblem(p.command.Path, err)
	}
	if wrong := p.runner.greeting.wrong(); wrong != nil {
		return wrong.Error()
	}
	if ctx.Err() != nil {
		return fmt.Sprintf("it did not start within %v and was killed; give it more time in the configuration or reinstall it", p.command.StartTimeout)
	}
	if p.hasExited() {
		return fmt.Sprintf("it ended in start-up (%s)", p.ending())
	}
	return "it started, but cannot be called: " + printable(err.Error(), reasonLimit)
}

func executableProblem(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, statError := os.Stat(path); statError == nil {
			return "the program that should run it does not exist on this machine; install the build for this system"
		}
		return "it does not exist; reinstall vsed or name another path in the configuration"
	case errors.Is(err, fs.ErrPermission):
		return "it is not executable for this user; make it so with chmod +x"
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Sprintf("it is not a program for this machine; install the build for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return fmt.Sprintf("it cannot be run: %v", err)
}

// ending says how the process ended.
func (p *Process) ending() string {
	return p.runner.command.ProcessState.String()
}

func (p *Process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// obituary says how the process ended and what it wrote last.
func (p *Process) obituary() string {
	reason := p.ending()
	if words := p.output.lastWords(); words != "" {
		reason += "; it wrote: " + printable(words, reasonLimit)
	}
	return reason
}
