package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/api"
)

// patience bounds every wait of a test. It is no measure of speed.
const patience = 60 * time.Second

// binaries is the folder with freshly built programs; TestMain owns it.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "vsed-test-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		binaries = filepath.Join(folder, "bin") // as in a build, which has other files beside bin
		build := exec.Command("go", "build", "-o", binaries+"/", "vsed/daemon/vsed", "vsed/cli/vsectl", "vsed/plugins/vsed-decoder-vips",
			"vsed/encoders/vsed-encoder-onnx", "vsed/training/vsed-trainer", "vsed/plugins/plugintest/vsed-encoder-fake")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the programs under test: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

// A world is a state folder, a photo folder and the daemon over them.
type world struct {
	*testing.T
	state, photos, socket string
	programs              string   // the folder of vsed and vsectl
	environment           []string // beyond the fake encoder
	client                *api.Client

	daemon *exec.Cmd
	ended  chan error
	output *output
}

// newWorld has the fake encoder, called with flags.
func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	short, err := os.MkdirTemp("", "vsed-*") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	w := &world{T: t, state: filepath.Join(short, "state"), photos: filepath.Join(short, "photos"), socket: filepath.Join(short, "socket"), programs: binaries}
	w.client = &api.Client{Socket: w.socket}
	t.Cleanup(w.client.Close)
	w.check(os.Mkdir(w.photos, 0o755))
	w.useEncoder("exec "+filepath.Join(binaries, "vsed-encoder-fake")+` "$@"`, flags...)
	t.Cleanup(w.kill)
	return w
}

// useEncoder makes a shell script the encoder plugin.
func (w *world) useEncoder(script string, flags ...string) {
	w.Helper()
	path := filepath.Join(filepath.Dir(w.state), "encoder.sh")
	script = fmt.Sprintf("#!/bin/sh\nset -- %s\n%s\n", strings.Join(flags, " "), script)
	w.check(os.WriteFile(path, []byte(script), 0o755))
	w.environment = []string{"VSED_ENCODER_PLUGIN=" + path}
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// output gathers what a process writes.
type output struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.buffer.String()
}

func (w *world) command(extra ...string) *exec.Cmd {
	arguments := append([]string{"run", "--state", w.state, "--folder", w.photos, "--socket", w.socket}, extra...)
	return exec.Command(filepath.Join(w.programs, "vsed"), arguments...)
}

// start runs the daemon and waits until it answers.
func (w *world) start(extra ...string) {
	w.Helper()
	w.startWith(w.command(extra...))
}

func (w *world) startWith(command *exec.Cmd) {
	w.Helper()
	w.output, w.ended = &output{}, make(chan error, 1)
	w.daemon = command
	w.daemon.Env = append(os.Environ(), w.environment...)
	w.daemon.Stdout, w.daemon.Stderr = w.output, w.output
	w.check(w.daemon.Start())
	go func(daemon *exec.Cmd, ended chan<- error) { ended <- daemon.Wait() }(w.daemon, w.ended)
	w.until("the daemon answers", func() bool {
		_, err := w.client.Status(w.Context())
		return err == nil
	})
}

// stop asks the daemon to end, which it must within 5 s, with status 0.
func (w *world) stop() {
	w.Helper()
	w.check(w.daemon.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-w.ended:
		if err != nil {
			w.Errorf("the daemon ended with %v\n%s", err, w.output)
		}
	case <-time.After(5 * time.Second):
		w.Errorf("the daemon did not end within 5 s of SIGTERM\n%s", w.output)
		w.daemon.Process.Kill()
		<-w.ended
	}
	w.daemon = nil
}

// kill ends the daemon with SIGKILL, if it runs.
func (w *world) kill() {
	if w.daemon == nil {
		return
	}
	w.daemon.Process.Kill()
	<-w.ended
	w.daemon = nil
	if w.Failed() {
		w.Logf("the daemon wrote:\n%s", w.output)
	}
}

// until polls what cannot be waited for.
func (w *world) until(what string, done func() bool) {
	w.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			status, err := w.client.Status(context.Background())
			w.Fatalf("waited %v in vain until %s\nstatus: %+v, %v\n%s", patience, what, status, err, w.output)
		}
	}
}

func (w *world) untilStatus(what string, done func(api.Status) bool) (status api.Status) {
	w.Helper()
	w.until(what, func() bool {
		var err error
		status, err = w.client.Status(w.Context())
		return err == nil && done(status)
	})
	return status
}

// settled waits until nothing waits any more.
func (w *world) settled() api.Status {
	w.Helper()
	return w.untilStatus("nothing waits", func(s api.Status) bool { return s.Ready })
}

// photo writes a JPEG of one colour below the photo folder, whole at once; the
// number makes its content unique.
func (w *world) photo(name string, colour color.RGBA, number int) {
	w.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(colour), image.Point{}, draw.Src)
	for bit := range 16 {
		if number>>bit&1 == 1 {
			draw.Draw(picture, image.Rect(4*bit, 40, 4*bit+4, 48), image.NewUniform(color.Gray{128}), image.Point{}, draw.Src)
		}
	}
	var encoded bytes.Buffer
	w.check(jpeg.Encode(&encoded, picture, nil))
	w.file(name, encoded.Bytes())
}

func (w *world) file(name string, content []byte) {
	w.Helper()
	path := w.photos + "/" + name // Join would clean odd names
	w.check(os.MkdirAll(filepath.Dir(path), 0o755))
	partial := filepath.Join(filepath.Dir(w.state), "partial")
	w.check(os.WriteFile(partial, content, 0o644))
	// Written long ago: a scan waits for files that were touched a moment ago.
	past := time.Now().Add(-time.Hour)
	w.check(os.Chtimes(partial, past, past))
	w.check(os.Rename(partial, path))
}

var (
	red   = color.RGBA{R: 230, A: 255}
	green = color.RGBA{G: 200, A: 255}
	blue  = color.RGBA{B: 230, A: 255}
)

// find gives the paths of the hits below the photo folder, best first; photos
// that are nearly the same are not put together.
func (w *world) find(query string) (names []string) {
	w.Helper()
	result, err := w.client.Search(w.Context(), query+" group:off", 1000, "")
	w.check(err)
	for _, hit := range result.Hits {
		for _, path := range hit.Paths {
			raw, err := path.Raw()
			w.check(err)
			names = append(names, strings.TrimPrefix(raw, w.photos+"/"))
		}
	}
	return names
}

// vsectl runs the client and gives its output and exit status.
func (w *world) vsectl(arguments ...string) (stdout, stderr string, status int) {
	w.Helper()
	command := exec.Command(filepath.Join(w.programs, "vsectl"), append([]string{"--socket", w.socket}, arguments...)...)
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	return out.String(), complaint.String(), command.ProcessState.ExitCode()
}

// plugins gives the processes whose parent is the daemon.
func (w *world) plugins() (pids []int) {
	w.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	w.check(err)
	for _, path := range stats {
		pid, parent, running := process(path)
		if running && parent == w.daemon.Process.Pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// process reads /proc/PID/stat; one that ended and was not yet waited for does
// not run.
func process(stat string) (pid, parent int, running bool) {
	content, err := os.ReadFile(stat)
	if err != nil {
		return 0, 0, false
	}
	var state string
	fmt.Sscanf(string(content), "%d", &pid)
	fmt.Sscanf(string(content[bytes.LastIndexByte(content, ')')+1:]), "%s %d", &state, &parent)
	return pid, parent, state != "Z"
}

func alive(pid int) bool {
	_, _, running := process(fmt.Sprintf("/proc/%d/stat", pid))
	return running
}
