package watch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vsed/daemon/watch/stalling"
)

// eventually asks again until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patienceOfTests); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func mount(t *testing.T) *stalling.Filesystem {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, "a/1.jpg", "a/2.jpg", "3.jpg")
	return stalling.Mount(t, folder)
}

func TestStallingFilesystem(t *testing.T) {
	filesystem := mount(t)
	root := NewRoot(filesystem.Path, 100*time.Millisecond)
	if got := strings.Join(scan(t, filesystem.Path), " "); got != "3.jpg a/1.jpg a/2.jpg" {
		t.Fatalf("got %s", got)
	}
	filesystem.Stall()
	const calls = 12
	ended := make(chan error, calls)
	for range calls / 3 {
		go func() { ended <- root.Scan(t.Context(), func(Entry) error { return nil }) }()
		go func() { _, _, err := root.OpenPhoto(t.Context(), "a/1.jpg"); ended <- err }()
		go func() { _, err := root.Look(t.Context(), "3.jpg"); ended <- err }()
	}
	for range calls {
		if err := <-ended; !errors.Is(err, ErrNotAnswering) || !strings.Contains(err.Error(), filesystem.Path) {
			t.Errorf("got %v", err)
		}
	}
	for range 100 {
		if _, err := root.Identity(t.Context()); !errors.Is(err, ErrNotAnswering) {
			t.Fatalf("got %v", err)
		}
	}
	if waiting := filesystem.Waiting(); waiting < 1 || waiting > maxCalls {
		t.Errorf("%d calls hang", waiting)
	}
	filesystem.Answer()
	eventually(t, "it answers again", func() bool {
		entry, err := root.Look(t.Context(), "3.jpg")
		return err == nil && entry.Size > 0
	})
}

func TestSlowScanIsNoStall(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.jpg", "b.jpg")
	slow := NewRoot(root, 50*time.Millisecond)
	must(t, slow.Scan(t.Context(), func(Entry) error {
		time.Sleep(100 * time.Millisecond) // the visitor's time is not the filesystem's
		return nil
	}))
}

func TestCallsEndWithTheirContext(t *testing.T) {
	filesystem := mount(t)
	root := NewRoot(filesystem.Path, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	filesystem.Stall()
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() { _, _, err := root.OpenPhoto(ctx, "a/1.jpg"); ended <- err }()
	}
	eventually(t, "calls hang", func() bool { return filesystem.Waiting() == maxCalls })
	eventually(t, "the wait is told", func() bool { return root.Waiting() > 50*time.Millisecond })
	cancel()
	for range cap(ended) {
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		case <-time.After(time.Second):
			t.Fatal("a call outlasts its context")
		}
	}
	filesystem.Answer()
	eventually(t, "what was opened after all is closed", func() bool {
		return filesystem.Waiting() == 0 && root.Waiting() == 0 && len(root.slots) == 0 && openBelow(t, filesystem.Path) == 0
	})
}

// openBelow counts this process's open files in a folder.
func openBelow(t *testing.T, folder string) (count int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, folder) {
			count++
		}
	}
	return count
}

func TestWatchPollsAndEndsWhereItHangs(t *testing.T) {
	filesystem := mount(t)
	ctx, cancel := context.WithCancel(t.Context())
	watcher := New(NewRoot(filesystem.Path, time.Hour), slog.New(slog.DiscardHandler))
	began, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- watcher.Run(ctx, nil, func(reason string, _ time.Time) { began <- reason })
	}()
	if reason := <-began; reason != "polling begins" || watcher.Mode() != Polling {
		t.Errorf("reason %q, mode %s", reason, watcher.Mode())
	}
	filesystem.Stall()
	watcher.Check()
	eventually(t, "it hangs", func() bool { return filesystem.Waiting() == 1 })
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Second):
		t.Error("the watcher waits for its filesystem")
	}
}

func TestWatchTellsOfAStall(t *testing.T) {
	filesystem := mount(t)
	watcher := New(NewRoot(filesystem.Path, 50*time.Millisecond), slog.New(slog.DiscardHandler))
	filesystem.Stall()
	if err := watcher.Run(t.Context(), nil, nil); !errors.Is(err, ErrNotAnswering) {
		t.Errorf("got %v", err)
	}
}

func TestIdentity(t *testing.T) {
	filesystem, local := mount(t), t.TempDir()
	remote, err := NewRoot(filesystem.Path, 0).Identity(t.Context())
	must(t, err)
	if remote.Filesystem != "fuse.stalling" || !remote.Remote {
		t.Errorf("got %+v", remote)
	}
	here, err := NewRoot(local, 0).Identity(t.Context())
	must(t, err)
	again, err := NewRoot(local, 0).Identity(t.Context())
	must(t, err)
	if here.Remote || here != again || here.String() == remote.String() {
		t.Errorf("got %v, %v, %v", here, again, remote)
	}
}

func TestKindOf(t *testing.T) {
	f := func(magic uint32, mounted, name string, remote bool) {
		t.Helper()
		if gotName, gotRemote := kindOf(magic, mounted); gotName != name || gotRemote != remote {
			t.Errorf("%#x, %q: got %q, %v", magic, mounted, gotName, gotRemote)
		}
	}
	f(0x6969, "nfs4", "nfs4", true)
	f(0x6969, "", "nfs", true)
	f(0xff534d42, "cifs", "cifs", true)
	f(0xfe534d42, "smb3", "smb3", true)
	f(0x65735546, "fuse.sshfs", "fuse.sshfs", true)
	f(0x65735546, "fuse.rclone", "fuse.rclone", true)
	f(0x65735546, "virtiofs", "virtiofs", true)
	f(0x65735546, "fuseblk", "fuseblk", false)
	f(0x65735546, "", "fuse", true)
	f(0x01021997, "9p", "9p", true)
	f(0xef53, "ext3", "ext3", false)
	f(0x794c7630, "overlay", "overlay", false)
	f(0x01021994, "", "tmpfs", false)
	f(0x12345678, "", "0x12345678", false)
}

func TestMountedAs(t *testing.T) {
	const list = "22 28 0:20 / /sys rw - sysfs sysfs rw\n" +
		"36 28 8:1 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n" +
		"40 28 0:51 / /x rw - fuse.sshfs me@there:/ rw\nshort\n"
	f := func(device uint64, want string) {
		t.Helper()
		if got := mountedAs([]byte(list), device); got != want {
			t.Errorf("%#x: got %q, want %q", device, got, want)
		}
	}
	f(8<<8|1, "ext3")
	f(51, "fuse.sshfs")
	f(52, "")
}

func TestMountsTells(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() { ended <- Mounts(ctx, func() { told <- struct{}{} }) }()
	eventually(t, "told of a mount", func() bool {
		mount(t)
		return len(told) > 0
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
