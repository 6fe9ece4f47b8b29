// Package stalling is for tests: a real filesystem in user space that stops
// answering on command, as one does whose server is away, or gives errors for
// single files, as a disk that wears out.
package stalling

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A Filesystem shows a folder at another place.
type Filesystem struct {
	Path string // where it is mounted

	mutex   sync.Mutex
	stalled chan struct{} // closed when it answers again; nil while it answers
	deaf    bool          // does not mind that a caller that waits is killed
	waiting int
	spoilt  string            // what names begin with that cannot be opened; "": none
	names   map[uint64]string // of nodes, as they were looked up
}

// Mount shows a folder until the test ends. It skips the test where the system
// or the user may not.
func Mount(t testing.TB, folder string) *Filesystem {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a filesystem")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("no filesystems in user space here: %v", err)
	}
	loopback, err := fs.NewLoopbackRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	f := &Filesystem{Path: t.TempDir(), names: make(map[uint64]string)}
	// Without a time for which the kernel may remember what it was told.
	raw := &gated{RawFileSystem: fs.NewNodeFS(loopback, &fs.Options{}), gate: f}
	server, err := fuse.NewServer(raw, f.Path, &fuse.MountOptions{DirectMountStrict: true, FsName: "stalling", Name: "stalling"})
	if err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Answer()
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
		server.Wait()
	})
	return f
}

// Stall keeps every call from now on waiting, until it answers or the caller is
// killed.
func (f *Filesystem) Stall() { f.stall(false) }

// StallDeaf is Stall of a filesystem that does not mind interrupts, as many do
// not: the kernel keeps a process that is killed in a call until the call is
// answered.
func (f *Filesystem) StallDeaf() { f.stall(true) }

func (f *Filesystem) stall(deaf bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.deaf = deaf
	if f.stalled == nil {
		f.stalled = make(chan struct{})
	}
}

// Answer lets all calls go on.
func (f *Filesystem) Answer() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stalled != nil {
		close(f.stalled)
		f.stalled = nil
	}
}

// Waiting is the number of calls that are kept waiting: each holds a thread.
func (f *Filesystem) Waiting() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.waiting
}

// Spoil makes opening a file fail with EIO whose name begins so; with "" no
// file.
func (f *Filesystem) Spoil(prefix string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.spoilt = prefix
}

func (f *Filesystem) spoils(node uint64) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.spoilt != "" && strings.HasPrefix(f.names[node], f.spoilt)
}

func (f *Filesystem) called(node uint64, name string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.names[node] = name
}

// pass waits for as long as calls are kept, and reports whether to go on.
func (f *Filesystem) pass(cancel <-chan struct{}) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.deaf {
		cancel = nil
	}
	for f.stalled != nil {
		stalled, killed := f.stalled, false
		f.waiting++
		f.mutex.Unlock()
		select {
		case <-stalled:
		case <-cancel:
			killed = true
		}
		f.mutex.Lock()
		f.waiting--
		if killed {
			return false
		}
	}
	return true
}

// gated has the calls of a scan and of an opening pass the gate; nothing that
// unmounting needs.
type gated struct {
	fuse.RawFileSystem
	gate *Filesystem
}

func (g *gated) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if !g.gate.pass(cancel) {
		return fuse.EINTR
	}
	status := g.RawFileSystem.Lookup(cancel, header, name, out)
	if status.Ok() {
		g.gate.called(out.NodeId, name)
	}
	return status
}

func (g *gated) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	if !g.gate.pass(cancel) {
		return fuse.EINTR
	}
	return g.RawFileSystem.GetAttr(cancel, input, out)
}

func (g *gated) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if !g.gate.pass(cancel) {
		return fuse.EINTR
	}
	if g.gate.spoils(input.NodeId) {
		return fuse.EIO
	}
	return g.RawFileSystem.Open(cancel, input, out)
}

func (g *gated) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if !g.gate.pass(cancel) {
		return fuse.EINTR
	}
	return g.RawFileSystem.OpenDir(cancel, input, out)
}

func (g *gated) Read(cancel <-chan struct{}, input *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	if !g.gate.pass(cancel) {
		return nil, fuse.EINTR
	}
	return g.RawFileSystem.Read(cancel, input, buffer)
}

func (g *gated) StatFs(cancel <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	if !g.gate.pass(cancel) {
		return fuse.EINTR
	}
	return g.RawFileSystem.StatFs(cancel, header, out)
}
