package host

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"vsed/plugins/contract"
)

// greetingLimit bounds the line with which a plugin says where it listens.
const greetingLimit = 1024

// greeting takes a plugin's standard output: the first line, once it has been
// checked, goes on to go-plugin, which would follow any address and can be made
// to panic by a certificate that nobody asked for; all after it is log.
type greeting struct {
	folder string // where the socket must be
	reader *io.PipeReader
	writer *io.PipeWriter
	rest   io.Writer

	mutex   sync.Mutex
	line    []byte
	over    bool
	problem error
}

func newGreeting(folder string, rest io.Writer) *greeting {
	reader, writer := io.Pipe()
	return &greeting{folder: folder, reader: reader, writer: writer, rest: rest}
}

// Write is called from one goroutine.
func (g *greeting) Write(data []byte) (int, error) {
	if g.over {
		return g.rest.Write(data)
	}
	line, after, found := bytes.Cut(data, []byte("\n"))
	g.line = append(g.line, line[:min(len(line), greetingLimit-len(g.line))]...)
	if !found && len(g.line) < greetingLimit {
		return len(data), nil
	}
	g.over = true
	g.pass()
	if len(after) > 0 {
		_, _ = g.rest.Write(after)
	}
	return len(data), nil
}

func (g *greeting) pass() {
	checked, err := checkGreeting(string(g.line), g.folder)
	if err != nil {
		g.mutex.Lock()
		g.problem = err
		g.mutex.Unlock()
	} else {
		_, _ = io.WriteString(g.writer, checked+"\n")
	}
	g.writer.Close()
}

// end is called when the process has ended and nothing will be written any more.
func (g *greeting) end() { g.writer.Close() }

func (g *greeting) wrong() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.problem
}

// checkGreeting returns the part of a plugin's first line that go-plugin needs:
// protocol of go-plugin, version of the contract, network, address, transport.
func checkGreeting(line, folder string) (string, error) {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" {
		return "", fmt.Errorf("it is not a plugin of vsed: it printed %q first; name another program in the configuration", printable(line, 80))
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil || version != contract.Version {
		return "", fmt.Errorf("it speaks version %s of the plugin contract, this vsed speaks %d; install the plugin that belongs to this vsed",
			printable(parts[1], 20), contract.Version)
	}
	if parts[4] != "grpc" {
		return "", fmt.Errorf("it speaks %q and not gRPC; it needs to be built with vsed's plugin SDK", printable(parts[4], 20))
	}
	if parts[2] != "unix" || filepath.Dir(parts[3]) != folder {
		return "", fmt.Errorf("it listens outside of the folder that it was given; it needs to be built with vsed's plugin SDK on %s", runtime.GOOS)
	}
	return strings.Join(parts[:5], "|"), nil
}
