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
	"syscall"

	"vsed/plugins/contract"
)

// errServes is what a plugin does that knows no preparation.
var errServes = errors.New("it serves instead of preparing: it has nothing to prepare; use it as it is")

// Prepare runs a plugin's preparation in a process of its own, while another may
// serve, and hands on what it reports. The preparation ends with ctx and with this
// process. The error is an *UnavailableError with the plugin's last words, or
// ctx's own. Command.StartTimeout does not apply.
func Prepare(ctx context.Context, command Command, log *slog.Logger, progress func(contract.Progress)) error {
	log = log.With("plugin", command.Name)
	folder, err := os.MkdirTemp("", "vsed-prepare")
	if err != nil {
		return fmt.Errorf("prepare %s: %w", command.Name, err)
	}
	defer os.RemoveAll(folder)
	p := &preparation{Process: &Process{command: command, log: log, output: newOutput(log)}, progress: progress}
	err = p.run(ctx, folder)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	reason := command.Path + ": " + err.Error()
	if words := p.output.lastWords(); words != "" && err != errServes {
		reason += "; it wrote: " + printable(words, reasonLimit)
	}
	return &UnavailableError{Plugin: command.Name, Reason: reason}
}

// preparation is a process that is never called.
type preparation struct {
	*Process
	progress func(contract.Progress)
	stop     context.CancelFunc
	serves   bool // it greeted; read once the process has been waited for
}

func (p *preparation) run(ctx context.Context, folder string) error {
	pluginEnd, hostEnd, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("create the life pipe: %w", err)
	}
	defer hostEnd.Close()
	defer pluginEnd.Close()
	ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	stdout, stderr := &lineSplitter{emit: p.line}, &lineSplitter{emit: p.output.line}
	child := p.child(ctx, folder)
	child.ExtraFiles, child.Stdout, child.Stderr = []*os.File{pluginEnd}, stdout, stderr
	if err := child.Start(); err != nil {
		return errors.New(executableProblem(p.command.Path, err))
	}
	err = child.Wait()
	stdout.flush()
	stderr.flush()
	switch {
	case p.serves:
		return errServes
	case err != nil:
		return fmt.Errorf("its preparation failed (%w)", err)
	}
	return nil
}

// child is the command with all that a plugin is started with but a socket.
func (p *preparation) child(ctx context.Context, folder string) *exec.Cmd {
	handshake := contract.Handshake()
	child := exec.CommandContext(ctx, p.command.Path, p.command.Args...)
	child.Env = append(p.environment(folder), contract.PrepareVariable+"=1", handshake.MagicCookieKey+"="+handshake.MagicCookieValue)
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Cancel = func() error { return syscall.Kill(-child.Process.Pid, syscall.SIGKILL) }
	child.WaitDelay = pipeDelay
	return child
}

// line takes a line of standard output: progress, a greeting, or log.
func (p *preparation) line(line []byte) {
	var step contract.Progress
	switch {
	case bytes.HasPrefix(line, []byte("1|")):
		p.serves = true
		p.stop()
	case json.Unmarshal(line, &step) == nil && step.Step != "":
		step.Step = printable(step.Step, textLimit)
		p.progress(step)
	default:
		p.output.line(line)
	}
}
