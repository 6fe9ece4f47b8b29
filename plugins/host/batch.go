package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
)

const megabyte = 1_000_000

// errServes is what a program does that knows nothing of such a run.
var errServes = errors.New("it serves instead of doing its work and ending: it has nothing to prepare; use it as it is")

// Prepare runs a plugin's preparation in a process of its own, while another may
// serve, and hands on what it reports. The preparation ends with ctx and with this
// process. The error is an *UnavailableError with the plugin's last words, or
// ctx's own. Command.StartTimeout does not apply.
func Prepare(ctx context.Context, command Command, log *slog.Logger, progress func(contract.Progress)) error {
	command.Env = append(command.Env, contract.PrepareVariable+"=1")
	return runToEnd(ctx, "preparation", command, log, progress)
}

// Train runs a trainer, whose arguments name the folder of its run, as Prepare runs a
// preparation. Where there is no error its report lies in the folder.
func Train(ctx context.Context, command Command, log *slog.Logger, progress func(contract.Progress)) error {
	return runToEnd(ctx, "run", command, log, progress)
}

func runToEnd(ctx context.Context, what string, command Command, log *slog.Logger, progress func(contract.Progress)) error {
	log = log.With("plugin", command.Name)
	folder, err := os.MkdirTemp("", "vsed-batch")
	if err != nil {
		return fmt.Errorf("start %s: %w", command.Name, err)
	}
	defer os.RemoveAll(folder)
	b := &batch{Process: &Process{command: command, log: log, output: newOutput(log)}, what: what, progress: progress}
	err = b.run(ctx, folder)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	reason, words := command.Path+": "+err.Error(), b.output.lastWords()
	if words != "" && err != errServes {
		reason += "; it wrote: " + printable(words, reasonLimit)
	}
	return &UnavailableError{Plugin: command.Name, Reason: reason + b.remedy(err, words)}
}

// remedy says what to do where the end of the process does not say it.
func (b *batch) remedy(err error, words string) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return "; the system does that where memory runs out, and `journalctl -k` tells: free some, and start it again"
		}
	}
	if !slices.ContainsFunc([]string{"out of memory", "bad_alloc", "annot allocate memory"}, func(sign string) bool { return strings.Contains(words, sign) }) {
		return ""
	}
	if limit := b.command.Memory; limit > 0 {
		return fmt.Sprintf("; it may take %d MB: raise memory.limit above that, and start it again", limit/megabyte)
	}
	return "; free some memory, and start it again"
}

// batch is a process that is never called: it does its work, says how far it is, and
// ends.
type batch struct {
	*Process
	what     string // its work is
	progress func(contract.Progress)
	stop     context.CancelFunc
	serves   bool // it greeted; read once the process has been waited for
}

func (b *batch) run(ctx context.Context, folder string) error {
	pluginEnd, hostEnd, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("create the life pipe: %w", err)
	}
	defer hostEnd.Close()
	defer pluginEnd.Close()
	ctx, b.stop = context.WithCancel(ctx)
	defer b.stop()
	stdout, stderr := &lineSplitter{emit: b.line}, &lineSplitter{emit: b.output.line}
	child := b.child(ctx, folder)
	child.ExtraFiles, child.Stdout, child.Stderr = []*os.File{pluginEnd}, stdout, stderr
	if err := startNicer(child, b.command.Nicer); err != nil {
		return errors.New(executableProblem(b.command.Path, err))
	}
	if limit := b.command.Memory; limit > 0 {
		// Where that is refused it goes without: it is no stranger's program.
		if err := unix.Prlimit(child.Process.Pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
			b.log.Warn("its memory is not bounded", "error", err)
		}
	}
	err = child.Wait()
	stdout.flush()
	stderr.flush()
	switch {
	case b.serves:
		return errServes
	case err != nil:
		return fmt.Errorf("its %s failed (%w)", b.what, err)
	}
	return nil
}

// child is the command with all that a plugin is started with but a socket.
func (b *batch) child(ctx context.Context, folder string) *exec.Cmd {
	handshake := contract.Handshake()
	child := exec.CommandContext(ctx, b.command.Path, b.command.Args...)
	child.Env = append(b.environment(folder), handshake.MagicCookieKey+"="+handshake.MagicCookieValue)
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Cancel = func() error { return syscall.Kill(-child.Process.Pid, syscall.SIGKILL) }
	child.WaitDelay = pipeDelay
	return child
}

// line takes a line of standard output: progress, a greeting, or log.
func (b *batch) line(line []byte) {
	var step contract.Progress
	switch {
	case bytes.HasPrefix(line, []byte("1|")):
		b.serves = true
		b.stop()
	case json.Unmarshal(line, &step) == nil && step.Step != "":
		step.Step = printable(step.Step, textLimit)
		b.progress(step)
	default:
		b.output.line(line)
	}
}
