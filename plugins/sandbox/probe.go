package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Probe tries what a confined process must not be able to do and returns one line
// for each thing that it could. It changes nothing outside the process.
func Probe() []string {
	var possible []string
	for _, attempt := range attempts() {
		if err := attempt.try(); err == nil {
			possible = append(possible, attempt.what)
		}
	}
	return possible
}

type attempt struct {
	what string
	try  func() error
}

func attempts() []attempt {
	return []attempt{
		{"open a file for reading", func() error { return opened("/etc/passwd", unix.O_RDONLY) }},
		{"open a folder", func() error { return opened("/", unix.O_RDONLY|unix.O_DIRECTORY) }},
		{"open a file of its own process", func() error { return opened("/proc/self/mem", unix.O_RDWR) }},
		{"make a file", func() error { return opened(os.TempDir(), unix.O_TMPFILE|unix.O_RDWR) }},
		{"make a folder", makeFolder},
		{"make a link", makeLink},
		{"change a file's rights", func() error { return denied(errorNumber(unix.Chmod("/nonexistent", 0o600))) }},
		{"read a link", func() error { _, err := unix.Readlink("/proc/self/exe", make([]byte, 100)); return err }},
		{"make an internet socket", func() error { return socket(unix.AF_INET, unix.SOCK_STREAM) }},
		{"make a unix socket", func() error { return socket(unix.AF_UNIX, unix.SOCK_STREAM) }},
		{"make a netlink socket", func() error { return socket(unix.AF_NETLINK, unix.SOCK_RAW) }},
		{"run a program", runProgram},
		{"split off a process", splitOff},
		{"trace a process", traceNobody},
		{"read another process's memory", readParent},
		{"signal another process", func() error { return unix.Kill(os.Getppid(), 0) }},
		{"have another process signalled", signalByPipe},
		{"raise a limit", func() error {
			return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: openFiles, Max: openFiles})
		}},
		{"make a user namespace", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
		{"load a BPF program", func() error { _, _, failure := unix.Syscall(unix.SYS_BPF, 0, 0, 0); return denied(failure) }},
		{"use io_uring", func() error { _, _, failure := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0); return denied(failure) }},
	}
}

func opened(path string, flags int) error {
	descriptor, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err == nil {
		_ = unix.Close(descriptor)
	}
	return err
}

func socket(family, kind int) error {
	descriptor, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		_ = unix.Close(descriptor)
	}
	return err
}

// runProgram asks for a program that does not exist, so that a success of the
// filter is told from a failure of the program.
func runProgram() error {
	return denied(errorNumber(unix.Exec("/nonexistent", []string{"nonexistent"}, nil)))
}

func makeFolder() error {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("vsed-probe-%d", os.Getpid()))
	err := unix.Mkdir(path, 0o700)
	if err == nil {
		_ = unix.Rmdir(path)
	}
	return err
}

func makeLink() error {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("vsed-probe-link-%d", os.Getpid()))
	err := unix.Symlink("/etc/passwd", path)
	if err == nil {
		_ = unix.Unlink(path)
	}
	return err
}

// traceNobody asks to trace a process that cannot exist.
func traceNobody() error {
	_, _, failure := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_ATTACH, math.MaxInt32, 0, 0, 0, 0)
	return denied(failure)
}

// splitOff asks for a child by flags that the kernel refuses, but a filter first.
func splitOff() error {
	_, _, failure := unix.Syscall6(unix.SYS_CLONE, unix.CLONE_FS|unix.CLONE_NEWNS, 0, 0, 0, 0, 0)
	return denied(failure)
}

// signalByPipe makes the parent the owner of a pipe, who is signalled when there is
// something to read; there never is.
func signalByPipe() error {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	_, err := unix.FcntlInt(uintptr(pipe[0]), unix.F_SETOWN, os.Getppid())
	return errors.Join(err, unix.Close(pipe[0]), unix.Close(pipe[1]))
}

func readParent() error {
	buffer := make([]byte, 1)
	local := []unix.Iovec{{Base: &buffer[0], Len: 1}}
	_, err := unix.ProcessVMReadv(os.Getppid(), local, []unix.RemoteIovec{{Base: 0, Len: 1}}, 0)
	return denied(errorNumber(err))
}

// denied is nil unless the call was refused as such: any other failure means that
// the kernel looked at the arguments.
func denied(failure unix.Errno) error {
	if failure == unix.EPERM || failure == unix.ENOSYS {
		return fmt.Errorf("denied: %w", failure)
	}
	return nil
}

func errorNumber(err error) unix.Errno {
	number, _ := err.(unix.Errno)
	return number
}
