package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vsed/daemon/api"
)

// poll is how often a running daemon is asked; small against what is measured,
// large enough not to take part in it.
const poll = 50 * time.Millisecond

// A service is a daemon under measurement.
type service struct {
	client  *api.Client
	command *exec.Cmd
	started time.Time
	runtime string // holds the socket
}

// start runs a daemon over the folder; its log goes beside the state.
func start(ctx context.Context, o options, state, folder string) (*service, error) {
	runtime, err := os.MkdirTemp("", "vsed-bench-*")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(state + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	socket := filepath.Join(runtime, "socket")
	s := &service{client: &api.Client{Socket: socket}, runtime: runtime, started: time.Now()}
	s.command = exec.CommandContext(ctx, o.program("vsed"), "run", "--state", state, "--folder", folder, "--socket", socket)
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// until polls the status until it is as wanted.
func (s *service) until(ctx context.Context, done func(api.Status) bool) (api.Status, error) {
	for {
		status, err := s.client.Status(ctx)
		var absent *api.NoDaemonError
		switch {
		case err == nil && done(status):
			return status, nil
		case err == nil && status.Encoder.Problem != "":
			return status, errors.New(status.Encoder.Problem)
		case err != nil && !errors.As(err, &absent):
			return status, err
		case s.command.ProcessState != nil:
			return status, errors.New("the daemon ended; see its log in the work folder")
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

func (s *service) stop() error {
	s.client.Close()
	err := s.command.Process.Signal(syscall.SIGTERM)
	return errors.Join(err, s.command.Wait(), os.RemoveAll(s.runtime))
}

// anonymousMB is the daemon's RssAnon in 10⁶ bytes, its plugins not counted.
func (s *service) anonymousMB() (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kibibytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kibibytes * 1024 / 1e6, err
		}
	}
	return 0, errors.New("no RssAnon in /proc")
}
