package sdk

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// watchLifePipe ends the process as soon as the host's end of the pipe is closed.
// A signal on the parent's death would follow the thread that forked.
func watchLifePipe(descriptor int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(descriptor, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return fmt.Errorf("descriptor %d is not the life pipe (%v); plugins are started by vsed", descriptor, err)
	}
	unix.CloseOnExec(descriptor)
	pipe := os.NewFile(uintptr(descriptor), "life pipe")
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		os.Exit(0)
	}()
	return nil
}

// keepStandardStreams returns a function that undoes what go-plugin does to
// os.Stdout and os.Stderr when it starts to serve: it sends them over gRPC, where
// the last words of a plugin that dies are lost.
func keepStandardStreams() (restore func()) {
	stdout, stderr := os.Stdout, os.Stderr
	return sync.OnceFunc(func() { os.Stdout, os.Stderr = stdout, stderr })
}

// newLog writes lines as hclog does, so that any host of go-plugin reads them.
func newLog(output io.Writer, level string) *slog.Logger {
	var lowest slog.Level
	if lowest.UnmarshalText([]byte(level)) != nil {
		lowest = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(output, &slog.HandlerOptions{Level: lowest, ReplaceAttr: renameForHclog}))
}

func renameForHclog(groups []string, attribute slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attribute
	}
	switch attribute.Key {
	case slog.TimeKey:
		return slog.String("@timestamp", attribute.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
	case slog.LevelKey:
		return slog.String("@level", strings.ToLower(attribute.Value.String()))
	case slog.MessageKey:
		return slog.String("@message", attribute.Value.String())
	}
	return attribute
}
