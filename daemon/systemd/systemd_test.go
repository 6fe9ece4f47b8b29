package systemd

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMessagesReachTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "3000000")
	n := FromEnvironment()
	if n.Watchdog() != 3*time.Second {
		t.Errorf("watchdog %v", n.Watchdog())
	}
	if os.Getenv("NOTIFY_SOCKET") != "" {
		t.Error("a child would inherit NOTIFY_SOCKET")
	}
	for _, step := range []struct {
		send func() error
		want string
	}{
		{n.Ready, "READY=1"},
		{n.Alive, "WATCHDOG=1"},
		{func() error { return n.Status("two\nlines") }, "STATUS=two lines"},
		{n.Stopping, "STOPPING=1"},
	} {
		if err := step.send(); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		length, err := socket.Read(buffer)
		if err != nil || string(buffer[:length]) != step.want {
			t.Errorf("got %q, %v, want %q", buffer[:length], err, step.want)
		}
	}
}

func TestWithoutSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	if n := FromEnvironment(); n.Ready() != nil || n.Watchdog() != 0 {
		t.Error("not silent")
	}
}
