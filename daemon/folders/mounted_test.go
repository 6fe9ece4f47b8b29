package folders

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// inMountNamespace runs the test again as a process whose mounts are its own.
func inMountNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("VSED_TEST_MOUNTS") == "own" {
		check(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a filesystem")
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	command.Env = append(os.Environ(), "VSED_TEST_MOUNTS=own")
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := command.CombinedOutput()
	if command.Process == nil { // the kernel refuses, as in a container or a chroot
		t.Skipf("no mount namespaces here: %v", err)
	}
	t.Logf("%s", out)
	check(t, err)
	return false
}

func mountMemory(t *testing.T, at string) {
	t.Helper()
	check(t, syscall.Mount("vsed-test", at, "tmpfs", 0, ""))
	t.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
}

// TestUnmountedIsOffline takes the disk away and brings it back, another one in
// between.
func TestUnmountedIsOffline(t *testing.T) {
	t.Parallel()
	if !inMountNamespace(t) {
		return
	}
	disk, place := t.TempDir(), filepath.Join(t.TempDir(), "place")
	check(t, os.Mkdir(place, 0o755))
	mountMemory(t, disk)
	write(t, disk, "a/1.jpg", "2.jpg")
	bind := func() { check(t, syscall.Mount(disk, place, "", syscall.MS_BIND, "")) }
	// Lazily: a scan may be looking at it.
	unbind := func() { check(t, syscall.Unmount(place, syscall.MNT_DETACH)) }
	bind()
	h := keep(t)
	folder := h.add(place)
	h.expect(folder, "2.jpg a/1.jpg")
	eventually(t, "scanned", func() bool { return !h.stored(folder).LastScan.IsZero() })
	before := h.events()

	started := time.Now()
	unbind()
	h.expectState(folder, Offline)
	t.Logf("the unmount was noticed after %v", time.Since(started).Round(time.Millisecond))
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("noticed after %v", took)
	}
	eventually(t, "the problem is told", func() bool { return strings.Contains(h.stored(folder).Problem, "is not mounted") })
	if gone, err := h.keeper.Gone(t.Context(), folder, place, "2.jpg"); err == nil {
		t.Errorf("a file of an unmounted folder is gone: %v", gone)
	}

	mountMemory(t, place) // another, empty
	write(t, place, "other.jpg")
	h.keeper.checkAll()
	if got := h.paths(folder); got != "2.jpg a/1.jpg" {
		t.Errorf("with another disk: %s", got)
	}
	check(t, syscall.Unmount(place, syscall.MNT_DETACH))

	started = time.Now()
	bind()
	h.expectState(folder, Online)
	t.Logf("the mount was noticed after %v", time.Since(started).Round(time.Millisecond))
	if got := h.paths(folder); got != "2.jpg a/1.jpg" {
		t.Errorf("after all: %s", got)
	}
	for _, event := range h.events()[len(before):] {
		if event.Kind != catalogue.FolderOffline && event.Kind != catalogue.FolderOnline {
			t.Errorf("an unmount made the event %s of %s", event.Kind, event.Path)
		}
	}
	write(t, place, "3.jpg")
	h.expect(folder, "2.jpg 3.jpg a/1.jpg")
}

func (h *house) events() []catalogue.Event {
	h.t.Helper()
	events, err := h.catalogue.Events(h.t.Context(), 0, 1000)
	check(h.t, err)
	return events
}

// TestEmptiedFolderIsOffline: where nothing at all is left, a disk that is not
// mounted is likelier than that all was deleted.
func TestEmptiedFolderIsOffline(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "1.jpg", "2.jpg")
	h := keep(t)
	folder := h.add(root)
	h.expect(folder, "1.jpg 2.jpg")
	f := h.stopped(folder)
	check(t, os.Remove(filepath.Join(root, "1.jpg")))
	check(t, os.Remove(filepath.Join(root, "2.jpg")))
	if err := f.scan(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "is not mounted") {
		t.Errorf("got %v", err)
	}
	if got := h.paths(folder); got != "1.jpg 2.jpg" {
		t.Errorf("got %s", got)
	}
	write(t, root, "3.jpg")
	check(t, f.scan(t.Context(), "test"))
	if got := h.paths(folder); got != "3.jpg" {
		t.Errorf("got %s", got)
	}
}

// unkept makes a follower of a folder of files that are known as an older version
// knew them: without an identity. Nothing but the test calls it.
func unkept(t *testing.T, root string, names ...string) (*follower, *house) {
	t.Helper()
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	folder, err := c.AddFolder(t.Context(), root)
	check(t, err)
	identity, err := watch.NewRoot(root, 0).Identity(t.Context())
	check(t, err)
	observations := make([]catalogue.Observation, len(names))
	for i, name := range names {
		observations[i] = catalogue.Observation{Path: name, Stat: catalogue.Stat{Device: identity.Device, Inode: uint64(i + 1), Size: 1}}
	}
	check(t, c.Observe(t.Context(), folder.ID, observations))
	k := New(c, slog.New(slog.DiscardHandler))
	return newFollower(k, folder, k.Root(folder.ID, root), func() {}), &house{t: t, catalogue: c, keeper: k}
}

// TestFirstIdentityWantsEvidence starts over a place that holds a stray file
// where the photos of an older version's catalogue should be.
func TestFirstIdentityWantsEvidence(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "stray.jpg")
	check(t, os.Mkdir(filepath.Join(root, "2.jpg"), 0o755)) // as a place to mount something on
	f, h := unkept(t, root, "2.jpg", "a/1.jpg")
	id := f.folder.ID
	if gone, err := h.keeper.Gone(t.Context(), id, root, "a/1.jpg"); gone && err == nil {
		t.Error("a file is gone from a folder of which nothing is known")
	}
	if err := f.scan(t.Context(), "test"); err == nil || !strings.Contains(err.Error(), "is not mounted") {
		t.Errorf("got %v", err)
	}
	if got := h.paths(id); got != "2.jpg a/1.jpg" {
		t.Errorf("got %s", got)
	}
	write(t, root, "a/1.jpg") // it is mounted
	check(t, f.scan(t.Context(), "test"))
	if got := h.paths(id); got != "a/1.jpg stray.jpg" {
		t.Errorf("got %s", got)
	}
	check(t, os.RemoveAll(filepath.Join(root, "a")))
	check(t, f.scan(t.Context(), "test")) // known by its identity from then on
	if got := h.paths(id); got != "stray.jpg" {
		t.Errorf("got %s", got)
	}
}

// TestUnpluggedIsCheap counts how far each look goes where nothing is found, and
// that the looks come round to what is there.
func TestUnpluggedIsCheap(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var names []string
	for i := range 3 * maxProbes {
		names = append(names, fmt.Sprintf("2020/%04d.jpg", i), fmt.Sprintf("flat-%04d.jpg", i))
	}
	f, _ := unkept(t, root, append(names, "last.jpg")...)
	lacks := func() bool {
		t.Helper()
		lacks, err := f.lacks(t.Context())
		check(t, err)
		return lacks
	}
	if !lacks() {
		t.Error("found in an empty folder")
	}
	// One for all of 2020, the others for as many files.
	if want := fmt.Sprintf("flat-%04d.jpg", maxProbes-1); f.probed != want {
		t.Errorf("looked as far as %s, want %s", f.probed, want)
	}
	write(t, root, "last.jpg")
	looks := 2
	for ; lacks(); looks++ {
		if looks > 10 {
			t.Fatalf("never found; looked as far as %s", f.probed)
		}
	}
	check(t, os.Remove(filepath.Join(root, "last.jpg")))
	write(t, root, "2020/0000.jpg")
	if f.probed != "" || lacks() {
		t.Errorf("the first is not found, from %q", f.probed)
	}
	f.probed = "flat-9999.jpg"
	for looks = 1; lacks(); looks++ {
		if looks > 3 {
			t.Fatal("the looks do not begin again")
		}
	}
}

func TestNothingKnownLacksNothing(t *testing.T) {
	t.Parallel()
	f, _ := unkept(t, t.TempDir())
	for _, f.probed = range []string{"", "x"} {
		if lacks, err := f.lacks(t.Context()); lacks || err != nil {
			t.Errorf("got %v, %v", lacks, err)
		}
	}
}

// TestDiskBelowIsAway unmounts a disk below the folder, and removes the place
// where it was mounted, as desktops do.
func TestDiskBelowIsAway(t *testing.T) {
	t.Parallel()
	if !inMountNamespace(t) {
		return
	}
	root := t.TempDir()
	disk := filepath.Join(root, "disk")
	check(t, os.Mkdir(disk, 0o755))
	mountMemory(t, disk)
	write(t, root, "own.jpg", "other.jpg", "disk/a/1.jpg", "disk/2.jpg")
	h := keep(t)
	folder := h.add(root)
	h.expect(folder, "disk/2.jpg disk/a/1.jpg other.jpg own.jpg")
	check(t, os.Remove(filepath.Join(disk, "2.jpg"))) // while it is there
	h.expect(folder, "disk/a/1.jpg other.jpg own.jpg")

	check(t, syscall.Unmount(disk, syscall.MNT_DETACH))
	if gone, err := h.keeper.Gone(t.Context(), folder, root, "disk/a/1.jpg"); gone || err == nil {
		t.Errorf("gone: %v, %v", gone, err)
	}
	check(t, os.Remove(disk))
	check(t, os.Remove(filepath.Join(root, "other.jpg"))) // told after it
	h.expect(folder, "disk/a/1.jpg own.jpg")
	f := h.stopped(folder)
	check(t, f.scan(t.Context(), "test"))
	if got := h.paths(folder); got != "disk/a/1.jpg own.jpg" {
		t.Errorf("after a scan: %s", got)
	}
}
