// Package systemd tells systemd how the daemon is: the sd_notify protocol,
// which is one datagram of text to a socket (see sd_notify(3)). Without systemd
// every call does nothing.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Notifier sends to the socket that systemd named.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// FromEnvironment reads NOTIFY_SOCKET and WATCHDOG_USEC, and removes both, so
// that no child speaks for the daemon.
func FromEnvironment() Notifier {
	n := Notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	if microseconds, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && microseconds > 0 {
		n.watchdog = time.Duration(microseconds) * time.Microsecond
	}
	os.Unsetenv("NOTIFY_SOCKET")
	os.Unsetenv("WATCHDOG_USEC")
	return n
}

// Watchdog is how often Alive must be called at least; 0: never.
func (n Notifier) Watchdog() time.Duration { return n.watchdog }

// Ready says that the daemon answers.
func (n Notifier) Ready() error { return n.send("READY=1") }

// Stopping says that the daemon is on its way out.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive holds off the watchdog.
func (n Notifier) Alive() error { return n.send("WATCHDOG=1") }

// Status sets the line that `systemctl status` shows.
func (n Notifier) Status(line string) error {
	return n.send("STATUS=" + strings.ReplaceAll(line, "\n", " "))
}

func (n Notifier) send(message string) error {
	if n.socket == "" {
		return nil
	}
	connection, err := net.Dial("unixgram", n.socket) // a leading @ is an abstract socket here as there
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer connection.Close()
	_, err = connection.Write([]byte(message))
	return err
}
