package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	landlocksyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// A sandbox is for life, so each case runs in this test binary, started anew
// with the case's name in this variable.
const caseVariable = "VSED_SANDBOX_CASE"

var cases = map[string]func() error{
	"confined":  confined,
	"landlock":  landlockAlone,
	"limits":    limits,
	"listening": listening,
}

func TestMain(m *testing.M) {
	name := os.Getenv(caseVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := cases[name](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(t *testing.T, name string) string {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), caseVariable+"="+name)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return string(output)
}

func TestConfinedProcessCanDoNothingElse(t *testing.T) {
	if output := run(t, "confined"); strings.Contains(output, "seccomp") {
		t.Skip("this kernel has no seccomp filters")
	}
}

func confined() error {
	if possible := Probe(); len(possible) < 5 {
		return fmt.Errorf("before the sandbox only this is possible, so the probe proves little: %v", possible)
	}
	state, err := Confine()
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(state.Lacking, "; "))
	if possible := Probe(); len(possible) > 0 {
		return fmt.Errorf("still possible: %s", strings.Join(possible, "; "))
	}
	return onOtherThreads()
}

// onOtherThreads probes on threads from before and after, and that the process
// can still start threads and allocate.
func onOtherThreads() error {
	var group sync.WaitGroup
	failures := make(chan error, 50)
	for range 50 {
		group.Go(func() {
			unix.Nanosleep(&unix.Timespec{Nsec: int64(time.Millisecond)}, nil) // holds its thread
			if _, err := os.Open("/etc/passwd"); !errors.Is(err, os.ErrPermission) {
				failures <- fmt.Errorf("a thread could open a file: %v", err)
			}
			if memory := bytes.Repeat([]byte{1}, 4<<20); memory[len(memory)-1] != 1 {
				failures <- errors.New("memory is not what was written")
			}
		})
	}
	group.Wait()
	close(failures)
	return <-failures
}

func TestLandlockAloneDeniesFiles(t *testing.T) {
	if version, err := landlocksyscall.LandlockGetABIVersion(); err != nil || version < 1 {
		t.Skipf("this kernel has no Landlock: %v", err)
	}
	run(t, "landlock")
}

func landlockAlone() error {
	if err := denyFiles(); err != nil {
		return err
	}
	for _, path := range []string{"/etc/passwd", "/", os.TempDir()} {
		if err := opened(path, unix.O_RDONLY); err == nil {
			return fmt.Errorf("%s could be opened", path)
		}
	}
	return nil
}

func TestLimits(t *testing.T) { run(t, "limits") }

func limits() error {
	if err := Limit(512 << 20); err != nil {
		return err
	}
	memory, err := unix.Mmap(-1, 0, 600<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err == nil {
		return fmt.Errorf("%d bytes beyond the limit were given", len(memory))
	}
	for range 2 * openFiles {
		if _, err = unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return nil
		}
	}
	return errors.New("more files than the limit could be opened")
}

func TestOpenListenerStaysUsable(t *testing.T) { run(t, "listening") }

// listening accepts, reads and answers in the sandbox, as gRPC does.
func listening() error {
	path := fmt.Sprintf("%s/vsed-listen-%d", os.TempDir(), os.Getpid())
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	caller, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(caller, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	os.Remove(path)
	if _, err := Confine(); err != nil {
		return err
	}
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	if _, err := connection.Write([]byte("photo")); err != nil {
		return err
	}
	answer := make([]byte, 5)
	if _, err := unix.Read(caller, answer); err != nil || string(answer) != "photo" {
		return fmt.Errorf("read %q: %w", answer, err)
	}
	return nil
}
