package folders

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
	"vsed/daemon/watch/stalling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patienceOfTests is when a test gives up; nothing waits for it that succeeds.
const patienceOfTests = 30 * time.Second

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes files that were written long ago.
func write(t testing.TB, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		full := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(full), 0o755))
		check(t, os.WriteFile(full, []byte("content of "+name), 0o644))
		check(t, os.Chtimes(full, time.Unix(1e9, 0), time.Unix(1e9, 0)))
	}
}

func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patienceOfTests); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// A house is a keeper at work.
type house struct {
	t         *testing.T
	catalogue *catalogue.Catalogue
	keeper    *Keeper
	log       *lockedBuilder
	stop      func()
}

type lockedBuilder struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (b *lockedBuilder) Write(data []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(data)
}

func (b *lockedBuilder) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

func keep(t *testing.T, options ...Option) *house {
	t.Helper()
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	h := &house{t: t, catalogue: c, log: &lockedBuilder{}}
	h.keeper = New(c, slog.New(slog.NewTextHandler(h.log, nil)), options...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.keeper.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			check(t, err)
		case <-time.After(time.Second):
			t.Error("the keeper does not end with its context")
		}
	})
	t.Cleanup(h.stop)
	return h
}

// stopped stops the keeper and gives the follower of a folder to the test.
func (h *house) stopped(folder int64) *follower {
	h.keeper.mutex.Lock()
	f := h.keeper.followers[folder]
	h.keeper.mutex.Unlock()
	h.stop()
	return f
}

func (h *house) add(path string) int64 {
	h.t.Helper()
	folder, err := h.catalogue.AddFolder(h.t.Context(), path)
	check(h.t, err)
	return folder.ID
}

// paths are those of the present files.
func (h *house) paths(folder int64) string {
	h.t.Helper()
	paths, err := h.catalogue.PresentPaths(h.t.Context(), folder, "", 1000)
	check(h.t, err)
	return strings.Join(paths, " ")
}

func (h *house) expect(folder int64, want string) {
	h.t.Helper()
	got := ""
	defer func() {
		if h.t.Failed() {
			h.t.Logf("present: %s; report: %+v; log:\n%s", got, h.keeper.Report(folder), h.log)
		}
	}()
	eventually(h.t, "present are "+want, func() bool { got = h.paths(folder); return got == want })
}

func (h *house) expectState(folder int64, want string) {
	h.t.Helper()
	eventually(h.t, "state "+want, func() bool { return h.keeper.Report(folder).State == want })
}

// stored gives the folder as the catalogue has it.
func (h *house) stored(folder int64) catalogue.Folder {
	h.t.Helper()
	all, err := h.catalogue.Folders(h.t.Context())
	check(h.t, err)
	for _, one := range all {
		if one.ID == folder {
			return one
		}
	}
	h.t.Fatal("the folder is gone from the catalogue")
	return catalogue.Folder{}
}

func TestFolderIsFollowed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/1.jpg", "2.jpg", "note.txt")
	h := keep(t)
	folder := h.add(root)
	h.expect(folder, "2.jpg a/1.jpg")
	write(t, root, "a/3.jpg")
	h.expect(folder, "2.jpg a/1.jpg a/3.jpg")
	check(t, os.Remove(filepath.Join(root, "2.jpg")))
	check(t, os.Rename(filepath.Join(root, "a"), filepath.Join(root, "b")))
	h.expect(folder, "b/1.jpg b/3.jpg")
	check(t, os.WriteFile(filepath.Join(root, ".vsedignore"), []byte("1.*\n"), 0o644))
	h.expect(folder, "b/3.jpg")
	counts, err := h.catalogue.Count(t.Context())
	check(t, err)
	if counts[folder].IgnoredBy[".vsedignore:1: 1.*"] != 1 {
		t.Errorf("ignored: %v", counts[folder].IgnoredBy)
	}
	report := h.keeper.Report(folder)
	if report.Mode != watch.Watching || report.State != Online || report.Filesystem == "" {
		t.Errorf("got %+v", report)
	}
	eventually(t, "nothing lags", func() bool { return h.keeper.Report(folder).Lag == 0 })
}

func TestGrowingFileWaits(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	h := keep(t)
	folder := h.add(root)
	eventually(t, "scanned", func() bool { return !h.stored(folder).LastScan.IsZero() })
	file, err := os.Create(filepath.Join(root, "slow.jpg"))
	check(t, err)
	defer file.Close()
	write(t, root, "old.jpg")
	h.expect(folder, "old.jpg")
	tick := time.NewTicker(settleTime * 3 / 4) // slower than the watcher's own settle time
	defer tick.Stop()
	for range 3 {
		<-tick.C
		_, err := file.WriteString("more")
		check(t, err)
		if got := h.paths(folder); got != "old.jpg" {
			t.Fatalf("taken in while it grows: %s", got)
		}
		if lag := h.keeper.Report(folder).Lag; lag <= 0 {
			t.Error("a file that waits is no lag")
		}
	}
	h.expect(folder, "old.jpg slow.jpg")
}

// TestChangedFileStaysWhileItSettles: a scan that meets a known file as it is
// being written does not take it for missing.
func TestChangedFileStaysWhileItSettles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a.jpg", "b.jpg")
	h := keep(t)
	folder := h.add(root)
	h.expect(folder, "a.jpg b.jpg")
	f := h.stopped(folder)
	ahead := time.Now().Add(time.Hour) // by a server's clock
	check(t, os.Chtimes(filepath.Join(root, "a.jpg"), ahead, ahead))
	f.settling.clear()
	check(t, f.scan(t.Context(), "test"))
	if got := h.paths(folder); got != "a.jpg b.jpg" {
		t.Errorf("got %s", got)
	}
	if len(f.settling.files) != 0 {
		t.Errorf("a clock that is ahead holds up %v", f.settling.files)
	}
}

func TestStallingFolderHoldsUpNothing(t *testing.T) {
	t.Parallel()
	backing, local := t.TempDir(), t.TempDir()
	write(t, backing, "far/1.jpg", "2.jpg")
	write(t, local, "near.jpg")
	filesystem := stalling.Mount(t, backing)
	h := keep(t, Patience(100*time.Millisecond), PollEvery(50*time.Millisecond))
	far, near := h.add(filesystem.Path), h.add(local)
	h.expect(far, "2.jpg far/1.jpg")
	if report := h.keeper.Report(far); report.Mode != watch.Polling || report.Filesystem != "fuse.stalling" {
		t.Errorf("got %+v", report)
	}
	write(t, backing, "3.jpg") // behind the filesystem's back
	h.expect(far, "2.jpg 3.jpg far/1.jpg")

	filesystem.Stall()
	h.expectState(far, NotAnswering)
	eventually(t, "offline in the catalogue", func() bool { return h.stored(far).Offline })
	if problem := h.stored(far).Problem; !strings.Contains(problem, "does not answer") {
		t.Errorf("problem: %s", problem)
	}
	if _, _, err := h.keeper.OpenPhoto(t.Context(), far, filesystem.Path, "2.jpg"); err == nil {
		t.Error("a photo was opened")
	}
	if gone, err := h.keeper.Gone(t.Context(), far, filesystem.Path, "2.jpg"); gone || err == nil {
		t.Errorf("gone: %v, %v", gone, err)
	}
	write(t, local, "later.jpg")
	h.expect(near, "later.jpg near.jpg")
	h.expectState(near, Online)
	if waiting := filesystem.Waiting(); waiting > 2 {
		t.Errorf("%d threads hang", waiting)
	}
	filesystem.Answer()
	h.expectState(far, Online)
	h.expect(far, "2.jpg 3.jpg far/1.jpg")
	if warnings := strings.Count(h.log.String(), "WARN"); warnings > 3 {
		t.Errorf("%d warnings:\n%s", warnings, h.log)
	}
	filesystem.Stall()
	h.expectState(far, NotAnswering)
	h.stop() // within a second
}

// TestSlowCallIsTold: the state says so long before the folder's photos count as
// offline.
func TestSlowCallIsTold(t *testing.T) {
	t.Parallel()
	backing := t.TempDir()
	write(t, backing, "1.jpg")
	filesystem := stalling.Mount(t, backing)
	h := keep(t, Patience(time.Hour), PollEvery(50*time.Millisecond))
	folder := h.add(filesystem.Path)
	h.expect(folder, "1.jpg")
	filesystem.Stall()
	started := time.Now()
	h.expectState(folder, NotAnswering)
	if took := time.Since(started); took < slowCall || h.stored(folder).Offline {
		t.Errorf("told after %v; offline: %v", took, h.stored(folder).Offline)
	}
	filesystem.Answer()
	h.expectState(folder, Online)
}

func TestRemovedFolderIsNotKept(t *testing.T) {
	t.Parallel()
	h := keep(t)
	first, second := t.TempDir(), t.TempDir()
	one, two := h.add(first), h.add(second)
	if again := h.keeper.Root(two, second); again != h.keeper.Root(two, second) {
		t.Error("two ways to one folder")
	}
	roots := func() int {
		h.keeper.mutex.Lock()
		defer h.keeper.mutex.Unlock()
		return len(h.keeper.roots)
	}
	eventually(t, "both are kept", func() bool { return roots() == 2 })
	check(t, h.catalogue.RemoveFolder(t.Context(), first))
	eventually(t, "the folder is let go", func() bool { return roots() == 1 })
	h.keeper.Root(one, first) // of somebody who listed the folders before
	if roots() != 1 {
		t.Error("the removed folder is kept again")
	}
	third := h.keeper.Root(two+1, "/of a folder that was added a moment ago")
	check(t, h.catalogue.RemoveFolder(t.Context(), second))
	eventually(t, "the other is let go, too", func() bool {
		h.keeper.mutex.Lock()
		defer h.keeper.mutex.Unlock()
		return len(h.keeper.followers) == 0
	})
	if h.keeper.Root(two+1, "/") != third {
		t.Error("the added folder was let go")
	}
}

func TestPauseScales(t *testing.T) {
	f := &follower{poll: time.Minute, watcher: watch.New(watch.NewRoot(t.TempDir(), 0), slog.New(slog.DiscardHandler))}
	if got := f.pause(time.Second); got != scanInterval {
		t.Errorf("watching: got %v", got)
	}
	for took, want := range map[time.Duration]time.Duration{time.Second: time.Minute, 2 * time.Minute: 20 * time.Minute, time.Hour: time.Hour} {
		if got := min(max(f.poll, pollShare*took), scanInterval); got != want {
			t.Errorf("a scan of %v: got %v", took, got)
		}
	}
}

func TestSettling(t *testing.T) {
	var s settling
	now := time.Unix(1e9, 0)
	entry := func(modified time.Duration, size int64) watch.Entry {
		return watch.Entry{Path: "a.jpg", Info: watch.Info{Regular: true, Size: size, ModifiedNanos: now.Add(modified).UnixNano()}}
	}
	f := func(at time.Duration, one watch.Entry, want bool) {
		t.Helper()
		if got := s.holds(one, now.Add(at), now.Add(at)); got != want {
			t.Errorf("at %v: got %v", at, got)
		}
	}
	f(0, entry(-settleTime, 1), false)
	f(0, entry(-time.Second, 1), true)
	f(time.Second, entry(0, 2), true)
	if oldest := s.oldest(); !oldest.Equal(now) {
		t.Errorf("oldest: %v", oldest)
	}
	f(settleTime, entry(0, 2), false)
	f(0, entry(5*time.Second, 1), true) // a server's clock that is ahead
	f(time.Second, entry(5*time.Second, 1), true)
	f(settleTime, entry(5*time.Second, 1), false)
	f(0, entry(time.Hour, 1), false) // a camera's clock: it would be ahead for ever
	for i := range maxSettling + 1 {
		one := entry(0, 1)
		one.Path = fmt.Sprint(i)
		s.holds(one, now, now)
	}
	if len(s.files) != maxSettling || !s.overflowed() || s.overflowed() {
		t.Errorf("%d files are held", len(s.files))
	}
	if paths, since := s.due(now.Add(settleTime)); len(paths) != maxSettling || !since.Equal(now) {
		t.Errorf("%d are due, since %v", len(paths), since)
	}
}
