package evaluation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"vsed/daemon/api"
)

// A Daemon is a `vsed run` of our own.
type Daemon struct {
	Client *api.Client

	progress Progress
	folder   string // holds state, socket and log; removed by Stop
	command  *exec.Cmd
	ended    chan error
}

// Progress is told every few seconds how many of the total were done, and how
// many a second; unit says what they are.
type Progress func(done, total int64, rate float64, unit string)

// Start runs the program over a folder of photos. config is a configuration file,
// or empty.
func Start(ctx context.Context, program, config, photos string, progress Progress) (*Daemon, error) {
	folder, err := os.MkdirTemp("", "vsed-evaluate-*")
	if err != nil {
		return nil, err
	}
	d := &Daemon{folder: folder, progress: progress, ended: make(chan error, 1), Client: &api.Client{Socket: filepath.Join(folder, "socket")}}
	log, err := os.Create(d.log())
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	defer log.Close()
	arguments := []string{"run", "--state", filepath.Join(folder, "state"), "--socket", d.Client.Socket, "--folder", photos}
	if config != "" {
		arguments = append(arguments, "--config", config)
	}
	d.command = exec.CommandContext(ctx, program, arguments...)
	// Whatever the configuration says, nothing is written beside the photos.
	d.command.Env = append(os.Environ(), "VSED_TAGS_WRITE_SIDECARS=false")
	d.command.Stdout, d.command.Stderr = log, log
	d.command.Cancel = func() error { return d.command.Process.Signal(syscall.SIGTERM) }
	d.command.WaitDelay = stopTimeout
	if err := d.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the daemon: %w", err), os.RemoveAll(folder))
	}
	go func() { d.ended <- d.command.Wait() }()
	return d, nil
}

const (
	// stopTimeout is how long a daemon may take to end before it is killed.
	stopTimeout = 10 * time.Second
	// poll is how often the daemon is asked how far it is.
	poll = 100 * time.Millisecond
)

func (d *Daemon) log() string { return filepath.Join(d.folder, "log") }

// Ready waits until all photos are encoded and can be found, and gives the status
// of then.
func (d *Daemon) Ready(ctx context.Context) (api.Status, error) {
	shown := time.Now()
	for {
		status, err := d.Client.Status(ctx)
		var absent *api.NoDaemonError
		switch {
		case err == nil && status.Ready:
			return status, nil
		case err == nil && status.Encoder.Problem != "":
			return status, errors.New(status.Encoder.Problem)
		case err != nil && !errors.As(err, &absent):
			return status, err
		}
		if time.Since(shown) > progressInterval && status.Photos.Waiting > 0 && status.Rate > 0 {
			shown = time.Now()
			d.progress(status.Photos.Total-status.Photos.Waiting, status.Photos.Total, status.Rate, "photos")
		}
		select {
		case <-time.After(poll):
		case err := <-d.ended:
			d.ended <- err
			return status, fmt.Errorf("the daemon ended: %s", d.lastLine())
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

func (d *Daemon) lastLine() string {
	text, err := os.ReadFile(d.log())
	if err != nil {
		return err.Error()
	}
	text = []byte(strings.TrimSpace(string(text)))
	return string(text[strings.LastIndexByte(string(text), '\n')+1:])
}

// Stop ends the daemon and removes its state.
func (d *Daemon) Stop() error {
	d.Client.Close()
	// One that has ended by itself was told of by Ready.
	_ = d.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(stopTimeout):
		_ = d.command.Process.Kill()
		<-d.ended
	}
	return os.RemoveAll(d.folder)
}

// Program finds `vsed` beside this program, else in the path.
func Program() (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the folder of this program: %w", err)
	}
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return "", fmt.Errorf("find the folder of this program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(executable), "vsed")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	found, err := exec.LookPath("vsed")
	if err != nil {
		return "", errors.New("there is no `vsed` beside this program and none in the PATH: install it, or run bin/vsectl of a build")
	}
	return found, nil
}
