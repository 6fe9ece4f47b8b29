package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"vsed/encoders/confine"
	"vsed/encoders/runtime"
	"vsed/plugins/sandbox"
	"vsed/plugins/sdk"
	"vsed/training/learn"
)

// runLearn learns on a device: the daemon starts it, and it ends with the daemon.
func runLearn(ctx context.Context, arguments []string) error {
	flags := newFlags("learn")
	folder := flags.String("run", "", "`folder` of the run: its task, photos and features are read, its report is written there")
	library := flags.String("library", os.Getenv(runtime.Environment), "libonnxruntime, a `file`, where the task names none")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *folder == "" {
		return errors.New("name the folder of the run: vsed-trainer learn --run FOLDER")
	}
	log, report := sdk.BeginWork()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return learn.Run(ctx, *folder, learn.Options{
		Candidates: runtime.Candidates(*library, program), Report: report,
		Confine: func(bundle string) error { return confineRun(bundle, *folder, log) },
	})
}

// confineRun leaves a run its bundle and its folder, also for what it writes for a while:
// the tags of photos are nobody's business.
func confineRun(bundle, folder string, log *slog.Logger) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.Setenv("TMPDIR", folder); err != nil {
		return err
	}
	return confine.To(bundle, sandbox.Needs{Write: []string{folder}}, log)
}
