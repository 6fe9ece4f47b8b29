// Package stalling is for tests: a real filesystem in user space that stops
// answering on command, as one does whose server is away.
package stalling

import (
	"os"
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
	waiting int
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
	f := &Filesystem{Path: t.TempDir()}
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

// Stall keeps every call from now on waiting.
func (f *Filesystem) Stall() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
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

func (f *Filesystem) pass() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for f.stalled != nil {
		stalled := f.stalled
		f.waiting++
		f.mutex.Unlock()
		<-stalled
		f.mutex.Lock()
		f.waiting--
	}
}

// gated has the calls of a scan and of an opening pass the gate; nothing that
// unmounting needs.
type gated struct {
	fuse.RawFileSystem
	gate *Filesystem
}

func (g *gated) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	g.gate.pass()
	return g.RawFileSystem.Lookup(cancel, header, name, out)
}

func (g *gated) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	g.gate.pass()
	return g.RawFileSystem.GetAttr(cancel, input, out)
}

func (g *gated) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	g.gate.pass()
	return g.RawFileSystem.Open(cancel, input, out)
}

func (g *gated) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	g.gate.pass()
	return g.RawFileSystem.OpenDir(cancel, input, out)
}

func (g *gated) Read(cancel <-chan struct{}, input *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	g.gate.pass()
	return g.RawFileSystem.Read(cancel, input, buffer)
}

func (g *gated) StatFs(cancel <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	g.gate.pass()
	return g.RawFileSystem.StatFs(cancel, header, out)
}
