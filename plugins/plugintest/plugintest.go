// Package plugintest is the conformance suite of vsed's plugins. An author calls
// Encoder or Decoder from a Go test with the command that starts the plugin, in
// whatever language that is written:
//
//	func TestConformance(t *testing.T) {
//		plugintest.Encoder(t, host.Command{Name: "mine", Path: "./mine"})
//	}
//
// The suite talks to the real process over the real protocol. It judges whether a
// plugin keeps the contract; whether its vectors are any good is for a benchmark.
package plugintest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"vsed/plugins/host"
)

// lifePipePatience is how long a plugin may outlive its host.
const lifePipePatience = 2 * time.Second

// launch starts a plugin without the host's checks and supervision, for what no
// host would send.
func launch(t *testing.T, command host.Command) *host.Process {
	t.Helper()
	process, err := host.Launch(t.Context(), command, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return process
}

// prepare gives a command its kind and a runtime folder of the suite's own: the
// path of t.TempDir may be too long for a socket.
func prepare(t *testing.T, command host.Command, kind host.Kind) host.Command {
	t.Helper()
	command.Kind = kind
	if command.Name == "" {
		command.Name = string(kind)
	}
	folder, err := os.MkdirTemp("", "vsed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	command.RuntimeDir = folder
	return command
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// wantCode reports a call that did not fail as the contract says.
func wantCode(t *testing.T, what string, err error, want ...codes.Code) {
	t.Helper()
	for _, code := range want {
		if status.Code(err) == code {
			return
		}
	}
	t.Errorf("%s: %v, want the status %v", what, err, want)
}

// survivesAbandonment checks that a plugin answers well after calls that their
// callers gave up: before they began, while they ran, and by closing a connection.
func survivesAbandonment(t *testing.T, process *host.Process, call func(context.Context, grpc.ClientConnInterface) error) {
	t.Helper()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_ = call(cancelled, process.Connection())
	brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_ = call(brief, process.Connection())
	disconnect(t, process, call)
	if err := call(t.Context(), process.Connection()); err != nil {
		t.Errorf("after calls that were given up: %v", err)
	}
}

// disconnect closes a connection while a call on it runs, or just before.
func disconnect(t *testing.T, process *host.Process, call func(context.Context, grpc.ClientConnInterface) error) {
	t.Helper()
	connection, err := process.Connect()
	if err != nil {
		t.Fatal(err)
	}
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		if !connection.WaitForStateChange(t.Context(), state) {
			t.Fatal("a second connection is refused")
		}
	}
	called := make(chan error)
	go func() { called <- call(t.Context(), connection) }()
	connection.Close()
	<-called
}

// endsWithItsHost closes the life pipe, as the kernel does when a host dies.
func endsWithItsHost(t *testing.T, process *host.Process) {
	t.Helper()
	if err := process.CloseLifePipe(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-process.Exited():
	case <-time.After(lifePipePatience):
		t.Errorf("the plugin still runs %v after its life pipe was closed", lifePipePatience)
	}
}
