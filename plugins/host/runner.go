package host

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
)

// pipeDelay is how long a dead plugin's output is still read where a process that
// it left behind keeps the pipe open.
const pipeDelay = 500 * time.Millisecond

// processRunner is go-plugin's view of a Process. go-plugin's own would hand the
// plugin the host's standard input and panic on odd lines of standard error.
type processRunner struct {
	process  *Process
	command  *exec.Cmd
	greeting *greeting
	exited   chan struct{}
}

var _ runner.Runner = (*processRunner)(nil)

func newProcessRunner(process *Process, command *exec.Cmd, folder string) *processRunner {
	stdout := &lineSplitter{emit: process.output.line}
	stderr := &lineSplitter{emit: process.output.line}
	greeting := newGreeting(folder, stdout)
	command.Stdin = nil // the null device
	command.Stdout = greeting
	command.Stderr = stderr
	command.WaitDelay = pipeDelay
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C in the terminal is the host's to handle
	return &processRunner{process: process, command: command, greeting: greeting, exited: process.exited}
}

func (r *processRunner) Start(context.Context) error {
	if err := startNicer(r.command, r.process.command.Nicer); err != nil {
		r.greeting.end()
		return err
	}
	r.process.started(r.command.Process)
	go func() {
		_ = r.command.Wait()
		for _, stream := range []io.Writer{r.greeting.rest, r.command.Stderr} {
			stream.(*lineSplitter).flush()
		}
		r.greeting.end()
		close(r.exited)
	}()
	return nil
}

// startNicer starts a command on a thread that is nicer, whose niceness the process
// inherits with its first step. The thread ends, as it cannot go back. Where that is
// refused the process takes its full share.
func startNicer(command *exec.Cmd, nicer int) error {
	if nicer == 0 {
		return command.Start()
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		const none = 20        // the kernel counts down from there, to tell it from an error
		if own, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), none-own+nicer)
		}
		started <- command.Start()
	}()
	return <-started
}

func (r *processRunner) Wait(context.Context) error {
	<-r.exited
	return nil
}

func (r *processRunner) Kill(context.Context) error {
	r.process.signalKill()
	return nil
}

func (r *processRunner) Stdout() io.ReadCloser { return r.greeting.reader }

// Stderr is empty for go-plugin; the process's output takes the lines.
func (r *processRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (r *processRunner) Name() string { return r.process.command.Path }

func (r *processRunner) ID() string { return strconv.Itoa(r.process.ID()) }

func (r *processRunner) Diagnose(context.Context) string { return "" }

func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" {
		return "", "", fmt.Errorf("network %q", network)
	}
	return network, address, nil
}

func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
