package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"vsed/daemon/api"
)

// poll is how often the daemon is asked how far it is.
const poll = 500 * time.Millisecond

// encodePhotos runs a daemon over the sets until it has encoded them all.
func encodePhotos(ctx context.Context, o options) (err error) {
	runtime, err := os.MkdirTemp("", "vsed-eval-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(runtime)
	log, err := os.Create(filepath.Join(o.work, "daemon.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	client := &api.Client{Socket: filepath.Join(runtime, "socket")}
	defer client.Close()
	command := exec.CommandContext(ctx, filepath.Join(o.binaries, "vsed"), "run", "--state", filepath.Join(o.work, "state"), "--socket", client.Socket,
		"--folder", filepath.Join(o.data, "corel5k/photos"), "--folder", filepath.Join(o.data, "flickr8k/photos/dev"))
	command.Env = append(os.Environ(), "VSED_ENCODER_BUNDLE="+o.bundle)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	if err := ready(ctx, client, ended); err != nil {
		_ = command.Process.Kill()
		return fmt.Errorf("encode the photos: %w: see %s", err, log.Name())
	}
	return joined(command.Process.Signal(syscall.SIGTERM), <-ended)
}

// ready waits until everything is encoded and can be found.
func ready(ctx context.Context, client *api.Client, ended <-chan error) error {
	var progress *progress
	for {
		status, err := client.Status(ctx)
		var absent *api.NoDaemonError
		switch {
		case err == nil && status.Ready:
			return nil
		case err == nil && status.Encoder.Problem != "":
			return errors.New(status.Encoder.Problem)
		case err != nil && !errors.As(err, &absent):
			return err
		}
		if waiting, encoded := int(status.Photos.Waiting), int(status.Photos.Encoded); waiting > 0 {
			if progress == nil {
				progress = newProgress("photos", waiting+encoded)
				progress.first = encoded
			}
			progress.total = waiting + encoded // the second folder's come later
			progress.show(encoded)
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("the daemon ended"), err)
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
