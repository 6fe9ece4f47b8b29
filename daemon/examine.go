package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"vsed/daemon/config"
	"vsed/daemon/watch"
)

// ExamineFolders reports what the file system says against the folders of a
// configuration that is valid by itself: one that is none, or shares files with the
// state folder. What is not there may be a disk that comes later, and is no fault;
// nor is one that hangs.
func ExamineFolders(ctx context.Context, settings config.Config) error {
	var problems []error
	for i, folder := range settings.Folders {
		problems = append(problems, examineFolder(ctx, settings, i, folder))
	}
	return errors.Join(problems...)
}

func examineFolder(ctx context.Context, settings config.Config, i int, folder string) error {
	if _, err := watch.NewRoot(folder, resolvePatience).Identity(ctx); errors.Is(err, syscall.ENOTDIR) {
		return settings.Fault("folders", "folders[%d] %q is no folder: name the folder that it lies in", i, folder)
	}
	if err := apart(ctx, settings.State, folder); err != nil {
		return settings.Fault("folders", "%v", err)
	}
	return nil
}

// ExamineBundle reports an encoder that is not where the configuration names it.
// The daemon does without one: words are searched, and its disk may come later.
func ExamineBundle(settings config.Config) error {
	bundle := settings.Encoder.Bundle
	if bundle == "" || settings.Encoder.Plugin != "" { // another's plugin has bundles of its own kind
		return nil
	}
	_, err := os.Stat(filepath.Join(bundle, "manifest.json"))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return settings.Fault("encoder.bundle", "encoder.bundle %q has no manifest.json: correct the path", bundle)
	}
	return settings.Fault("encoder.bundle", "encoder.bundle: %v: make it readable for the user that vsed runs as", err)
}

// apart refuses a folder that holds the state folder or lies in it, also by
// symbolic links: the daemon would index its own thumbnails.
func apart(ctx context.Context, state, path string) error {
	folder, _ := resolve(ctx, path)
	direct, _ := resolve(ctx, state)
	for _, pair := range [][2]string{{folder, direct}, {direct, folder}} {
		if _, inside := below(pair[0], pair[1]); inside {
			return fmt.Errorf("the folder %s and the state folder %s lie in each other: choose another folder, or another --state", path, state)
		}
	}
	return nil
}
