package server_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"vsed/daemon/server"
)

func TestListenMakesFolderAndSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "run", "vsed", "vsed.sock")
	listener, err := server.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	mode(t, filepath.Dir(socket), 0o750)
	mode(t, socket, 0o660)
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

func TestListenReplacesStaleSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	leaveStale(t, socket)
	listener, err := server.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// leaveStale leaves a socket as a killed process does.
func leaveStale(t *testing.T, socket string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		t.Fatal(err)
	}
}

func TestListenRefuses(t *testing.T) {
	folder := t.TempDir()
	f := func(socket, want string) {
		t.Helper()
		listener, err := server.Listen(socket)
		if err == nil {
			listener.Close()
			t.Errorf("%q: no error", socket)
			return
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %s", socket, err, want)
		}
	}
	live := filepath.Join(folder, "live")
	listener, err := server.Listen(live)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	f(live, `socket in use: a daemon listens on "`+live+`"`)

	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(file, "exists and is not a socket")
	if content, err := os.ReadFile(file); err != nil || string(content) != "kept" {
		t.Errorf("the file was touched: %q, %v", content, err)
	}
	f(filepath.Join(file, "s"), "make the folder of the socket")
	f("", "path is empty")
	f("@vsed", "abstract")
	f("/"+strings.Repeat("a", 107), "108 bytes: the system takes at most 107")
}

// Of several daemons that start at once over a stale socket one gets it, and
// keeps it.
func TestListenRace(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	leaveStale(t, socket)
	const starters = 8
	listeners := make([]net.Listener, starters)
	var group sync.WaitGroup
	for i := range starters {
		group.Go(func() { listeners[i], _ = server.Listen(socket) })
	}
	group.Wait()
	won := 0
	for _, listener := range listeners {
		if listener != nil {
			won++
			defer listener.Close()
		}
	}
	if won != 1 {
		t.Errorf("%d of them listen", won)
	}
	if conn, err := net.Dial("unix", socket); err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
}
