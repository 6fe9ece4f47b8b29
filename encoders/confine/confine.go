// Package confine leaves a process that runs a bundle what that takes, and nothing else:
// the bundle may be a stranger's, which ONNX Runtime reads in C++. It knows what ONNX
// Runtime and the C library read of the system; what a sandbox is, is package sandbox's.
package confine

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

// ownFiles tell how much memory the process takes.
var ownFiles = []string{"/proc/self/status", "/proc/self/statm"}

// To confines the process to a bundle, for reading, and to what else it needs. It comes
// after the library is loaded, which may lie anywhere, and before that reads the bundle.
// What of the sandbox the system lacks is logged, and no error.
func To(bundle string, needs sandbox.Needs, log *slog.Logger) error {
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
	needs.Read = slices.Concat(needs.Read, []string{bundle}, linked, ownFiles, systemFiles)
	state, err := sandbox.Confine(needs)
	if err != nil {
		return fmt.Errorf("confine the process: %w", err)
	}
	if len(state.Lacking) > 0 {
		log.Warn("running with a part of the sandbox only", "lacking", strings.Join(state.Lacking, "; "))
	}
	return nil
}

// linkedFiles are where links in a bundle lead, as one that was put together by hand has:
// to plain files alone, since by one to a folder a stranger's bundle would name all that is
// below it. What of the bundle cannot be read, who reads it says.
func linkedFiles(bundle string) (files []string, err error) {
	if whole, err := filepath.EvalSymlinks(bundle); err == nil {
		bundle = whole
	}
	err = filepath.WalkDir(bundle, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		file, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil
		}
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() {
			files = append(files, file)
		}
		return nil
	})
	return files, err
}
