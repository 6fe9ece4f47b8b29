package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	"files":     files,
	"landlock":  landlockAlone,
	"links":     linksByLandlock,
	"limits":    limits,
	"listening": listening,
	"listens":   listens,
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
	state, err := Confine(Needs{Sockets: true})
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
	needLandlock(t)
	run(t, "landlock")
}

func needLandlock(t *testing.T) {
	t.Helper()
	if version, err := landlocksyscall.LandlockGetABIVersion(); err != nil || version < 1 {
		t.Skipf("this kernel has no Landlock: %v", err)
	}
}

func TestFilesThatAreNeeded(t *testing.T) {
	needLandlock(t)
	t.Setenv(folderVariable, threeFolders(t))
	run(t, "files")
	t.Setenv(folderVariable, threeFolders(t))
	run(t, "links")
}

// folderVariable names a folder with the folders "read", "write" and "tmp", and the file
// "other", which none needs.
const folderVariable = "VSED_SANDBOX_FOLDER"

func threeFolders(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, path := range []string{"read/sub/model", "write/old", "tmp/x", "other"} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("model"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func needs(root string) Needs {
	return Needs{Read: []string{root + "/read", "/proc/cpuinfo", "/nowhere"}, Write: []string{root + "/write"}}
}

// files reads and writes where it may, and tries what it may not.
func files() error {
	root := os.Getenv(folderVariable)
	if err := os.Setenv("TMPDIR", root+"/tmp"); err != nil { // where the probe writes
		return err
	}
	state, err := Confine(needs(root))
	if err != nil {
		return err
	}
	possible := Probe()
	if slices.ContainsFunc(state.Lacking, func(layer string) bool { return strings.Contains(layer, "seccomp") }) {
		possible = nil
	}
	if len(possible) > 0 {
		return fmt.Errorf("still possible: %s", strings.Join(possible, "; "))
	}
	for _, path := range []string{"/proc/cpuinfo", root + "/read/sub/model", root + "/write/old"} {
		if _, err := os.ReadFile(path); err != nil {
			return err
		}
	}
	for _, path := range []string{root + "/other", root + "/tmp/x", root + "/write/../other", "/proc/self/environ", "/nowhere"} {
		if _, err := os.ReadFile(path); err == nil {
			return fmt.Errorf("%s could be read", path)
		}
	}
	for _, path := range []string{root + "/read/sub/model", root + "/read/new", root + "/new", root + "/other"} {
		if err := os.WriteFile(path, nil, 0o600); err == nil {
			return fmt.Errorf("%s could be written", path)
		}
	}
	return errors.Join(writes(root+"/write"), links(root), onOtherThreads())
}

// writes does what a trainer does with its folder.
func writes(folder string) error {
	part := folder + "/bundle.part"
	return errors.Join(
		os.Remove(folder+"/old"), os.MkdirAll(part+"/golden", 0o755), os.WriteFile(part+"/golden/x", []byte("x"), 0o644),
		os.WriteFile(part+"/golden/x", []byte("y"), 0o644), os.Rename(part, folder+"/bundle"), os.RemoveAll(folder+"/bundle"),
	)
}

// links gives files that may only be read a name where files may be written.
func links(root string) error {
	for what, link := range map[string]func(from, to string) error{"linked": os.Link, "linked softly": os.Symlink, "moved": os.Rename} {
		if err := link(root+"/read/sub/model", root+"/write/model"); err == nil {
			return fmt.Errorf("a file that may only be read could be %s into a folder that may be written", what)
		}
	}
	return nil
}

// linksByLandlock has no filter.
func linksByLandlock() error {
	root := os.Getenv(folderVariable)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := restrictFiles(needs(root)); err != nil {
		return err
	}
	if version, err := landlocksyscall.LandlockGetABIVersion(); err == nil && version >= 4 {
		if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
			return errors.New("a port could be connected to")
		}
	}
	return errors.Join(writes(root+"/write"), links(root))
}

func landlockAlone() error {
	if err := restrictFiles(Needs{}); err != nil {
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

func TestANewListener(t *testing.T) {
	needLandlock(t)
	t.Setenv(folderVariable, threeFolders(t))
	run(t, "listens")
}

// listens makes a socket in the one folder that it may, and can call nobody.
func listens() error {
	root := os.Getenv(folderVariable)
	other, err := net.Listen("unix", root+"/other-socket")
	if err != nil {
		return err
	}
	defer other.Close()
	if _, err := Confine(Needs{Listen: root + "/write"}); err != nil {
		return err
	}
	listener, err := net.Listen("unix", root+"/write/socket")
	if err != nil {
		return err
	}
	if err := listener.Close(); err != nil {
		return err
	}
	if _, err := net.Listen("unix", root+"/tmp/socket"); err == nil {
		return errors.New("it listens elsewhere")
	}
	if _, err := net.Dial("unix", root+"/other-socket"); err == nil {
		return errors.New("it calls another")
	}
	for _, possible := range Probe() {
		if possible != "make a unix socket" {
			return fmt.Errorf("still possible: %s", possible)
		}
	}
	if err := socket(unix.AF_UNIX, unix.SOCK_DGRAM); err == nil {
		return errors.New("it sends to anybody")
	}
	return nil
}

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
	if _, err := Confine(Needs{Sockets: true}); err != nil {
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
