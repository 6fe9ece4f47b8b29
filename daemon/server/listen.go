package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxSocketPath is what sun_path holds on Linux, less the final zero.
	maxSocketPath = 107
	// socketMode lets in root, the daemon's own user and the members of the
	// socket's group. The kernel checks it on connect: it is the API's whole
	// access control.
	socketMode = 0o660
	folderMode = 0o750
)

// Listen opens the API's unix socket, and makes its folder where there is none.
// A socket that a dead daemon left behind is replaced; where a live one answers
// the error says so. Closing the listener removes the socket.
func Listen(socket string) (net.Listener, error) {
	if err := checkSocketPath(socket); err != nil {
		return nil, err
	}
	folder := filepath.Dir(socket)
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of the socket %q: %w: choose another with --socket or VSED_SOCKET", socket, err)
	}
	unlock, err := lockFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of the socket %q: %w", socket, err)
	}
	defer unlock()
	listener, err := bind(socket)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	if err := removeStale(socket); err != nil {
		return nil, err
	}
	return bind(socket)
}

func checkSocketPath(socket string) error {
	switch {
	case socket == "":
		return errors.New("the socket's path is empty: name one with --socket or VSED_SOCKET")
	case len(socket) > maxSocketPath:
		return fmt.Errorf("the socket's path %q has %d bytes: the system takes at most %d, choose a shorter one", socket, len(socket), maxSocketPath)
	case strings.HasPrefix(socket, "@"):
		return fmt.Errorf("the socket %q would be abstract, open to every user: give the path of a file", socket)
	}
	return nil
}

// lockFolder keeps a second daemon that starts at the same moment from taking
// the first one's new socket for a stale one. The lock needs no file of its own
// and dies with the process.
func lockFolder(folder string) (unlock func(), err error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}

// bind sets the mode before the socket has a name, so that at no moment others
// may connect, and again after, as the process's umask took bits away.
func bind(socket string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		controlErr := raw.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), socketMode) })
		return errors.Join(controlErr, err)
	}}
	listener, err := config.Listen(context.Background(), "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen on the socket %q: %w", socket, cause(err))
	}
	if err := os.Chmod(socket, socketMode); err != nil {
		listener.Close()
		return nil, fmt.Errorf("set the mode of the socket: %w", err)
	}
	return listener, nil
}

// cause drops the address that net puts before each error: the caller names it.
func cause(err error) error {
	var wrapped *net.OpError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// removeStale removes the socket at path if nothing listens on it.
func removeStale(socket string) error {
	info, err := os.Lstat(socket)
	if err != nil {
		return fmt.Errorf("look at the socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%q exists and is not a socket: remove it, or choose another with --socket or VSED_SOCKET", socket)
	}
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("socket in use: a daemon listens on %q: stop it, or choose another with --socket or VSED_SOCKET", socket)
	}
	if err := os.Remove(socket); err != nil {
		return fmt.Errorf("remove the socket that a dead daemon left: %w", err)
	}
	return nil
}
