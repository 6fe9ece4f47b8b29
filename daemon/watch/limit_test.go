package watch

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestWatchSystemLimit meets the kernel's own limit, in a user namespace that
// has a low one of its own.
func TestWatchSystemLimit(t *testing.T) {
	t.Parallel()
	if !inUserNamespace(t) {
		return
	}
	limit := func(watches string) {
		t.Helper()
		must(t, os.WriteFile("/proc/sys/user/max_inotify_watches", []byte(watches), 0o644))
	}
	root := t.TempDir()
	write(t, root, "a/1.jpg", "b/2.jpg", "c/3.jpg", "d/4.jpg")
	limit("3")
	r := start(t, root, func(r *run) { r.watcher.roomEvery = 50 * time.Millisecond })
	r.expectRescan("watching begins")
	r.expectMode(PartlyPolling, 1, "sysctl")
	limit("10")
	r.expectRescan("there is room for more watches")
	r.expectMode(Watching, 1, "every folder has one")
	write(t, root, "d/5.jpg")
	r.expect("d/5.jpg")
}

// inUserNamespace runs the test again as a process with a namespace of its own.
func inUserNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("VSED_TEST_USERS") == "own" {
		return true
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	command.Env = append(os.Environ(), "VSED_TEST_USERS=own")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := command.CombinedOutput()
	if command.Process == nil {
		t.Skipf("no user namespaces here: %v", err)
	}
	t.Logf("%s", out)
	must(t, err)
	return false
}
