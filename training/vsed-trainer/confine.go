package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/plugins/sandbox"
)

// systemFiles are read while ONNX Runtime and the C library work: how many processors
// there are, and whether memory is given away beforehand.
var systemFiles = []string{"/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/sys/vm/overcommit_memory"}

// ownFiles tell how much memory a run takes.
var ownFiles = []string{"/proc/self/status", "/proc/self/statm"}

// confine leaves a run its bundle and its folder, also for what it writes for a while: the
// bundle may be a stranger's, and photos' tags are nobody's business.
func confine(log *slog.Logger, bundle, folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.Setenv("TMPDIR", folder); err != nil {
		return err
	}
	linked, err := linkedFiles(bundle)
	if err != nil {
		return err
	}
	// They are open from here on: where the kernel forgets a file in /proc for want of
	// memory, the one that it makes anew is another, which nothing allows.
	for _, path := range ownFiles {
		if _, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			log.Debug("memory is not measured", "error", err)
		}
	}
	state, err := sandbox.Confine(sandbox.Needs{
		Read: slices.Concat([]string{bundle}, linked, ownFiles, systemFiles), Write: []string{folder},
	})
	if err != nil {
		return fmt.Errorf("confine the trainer: %w", err)
	}
	if len(state.Lacking) > 0 {
		log.Warn("learning with a part of the sandbox only", "lacking", strings.Join(state.Lacking, "; "))
	}
	return nil
}

// linkedFiles are where links in a bundle lead, as one that was put together by hand has.
func linkedFiles(bundle string) (files []string, err error) {
	err = filepath.WalkDir(bundle, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		file, err := filepath.EvalSymlinks(path)
		files = append(files, file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the files of the bundle: %w", err)
	}
	return files, nil
}
