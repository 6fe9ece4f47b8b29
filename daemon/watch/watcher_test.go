package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patienceOfTests is when a test gives up; nothing waits for it that succeeds.
const patienceOfTests = 20 * time.Second

// A run is a watcher at work, with what it reported.
type run struct {
	t       *testing.T
	watcher *Watcher
	root    string
	changed chan []string
	rescan  chan string
	ended   chan error
	log     *lockedBuilder
	// holdUp keeps each rescan from returning until it is closed.
	holdUp chan struct{}
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

// start runs a watcher and waits for its first report.
func start(t *testing.T, root string, options ...func(*run)) *run {
	t.Helper()
	log := &lockedBuilder{}
	r := &run{t: t, root: root, watcher: New(NewRoot(root, 0), slog.New(slog.NewTextHandler(log, nil))), log: log,
		changed: make(chan []string, 100), rescan: make(chan string, 100), ended: make(chan error, 1)}
	for _, option := range options {
		option(r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		r.ended <- r.watcher.Run(ctx, func(paths []string, _ time.Time) { r.changed <- paths }, r.noteRescan)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.ended:
		case <-time.After(patienceOfTests):
			t.Error("the watcher did not end with its context")
		}
	})
	return r
}

func (r *run) noteRescan(reason string, _ time.Time) {
	r.rescan <- reason
	if r.holdUp != nil {
		<-r.holdUp
	}
}

func (r *run) expectRescan(want string) {
	r.t.Helper()
	select {
	case got := <-r.rescan:
		if got != want {
			r.t.Fatalf("rescan: got %q, want %q", got, want)
		}
	case err := <-r.ended:
		r.ended <- err
		r.t.Fatalf("ended: %v", err)
	case <-time.After(patienceOfTests):
		r.t.Fatalf("no rescan, want %q", want)
	}
}

// expect waits until all of the paths were reported, and no others.
func (r *run) expect(want ...string) {
	r.t.Helper()
	missing := slices.Clone(want)
	deadline := time.After(patienceOfTests)
	for len(missing) > 0 {
		select {
		case paths := <-r.changed:
			for _, path := range paths {
				if !slices.Contains(want, path) {
					r.t.Errorf("reported: %q, want %q", path, want)
				}
				missing = slices.DeleteFunc(missing, func(one string) bool { return one == path })
			}
		case reason := <-r.rescan:
			r.t.Fatalf("rescan: %s; still missing %q", reason, missing)
		case err := <-r.ended:
			r.ended <- err
			r.t.Fatalf("ended: %v; still missing %q", err, missing)
		case <-deadline:
			r.t.Fatalf("not reported: %q", missing)
		}
	}
}

func TestWatchFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/old.jpg", "a/moved.jpg", "a/touched.jpg", "gone.jpg", ".hidden/x.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	if r.watcher.Mode() != Watching {
		t.Errorf("mode: got %s", r.watcher.Mode())
	}
	write(t, root, "new.jpg", "a/old.jpg", "a/strange \n\xff.jpg", ".hidden/y.jpg")
	must(t, os.Rename(filepath.Join(root, "a/moved.jpg"), filepath.Join(root, "to.jpg")))
	must(t, os.Chmod(filepath.Join(root, "a/touched.jpg"), 0o600))
	must(t, os.Remove(filepath.Join(root, "gone.jpg")))
	r.expect("new.jpg", "a/old.jpg", "a/strange \n\xff.jpg", "a/moved.jpg", "to.jpg", "a/touched.jpg", "gone.jpg")
}

func TestWatchSlowCopy(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := start(t, root)
	r.expectRescan("watching begins")
	file, err := os.Create(filepath.Join(root, "slow.jpg"))
	must(t, err)
	defer file.Close()
	written := time.Now()
	tick := time.NewTicker(settle / 10)
	defer tick.Stop()
	for part := 0; part < 20; {
		select {
		case <-tick.C:
			written = time.Now()
			_, err := file.WriteString("part")
			must(t, err)
			part++
		case paths := <-r.changed:
			if since := time.Since(written); since < settle*4/5 {
				t.Fatalf("%q reported %v after the last write", paths, since)
			}
		}
	}
	r.expect("slow.jpg")
}

func TestWatchFolderMadeWithFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := start(t, root)
	r.expectRescan("watching begins")
	write(t, root, "x/y/z/1.jpg", "x/2.jpg", "x/@eaDir/no.jpg")
	r.expect("x/y/z/1.jpg", "x/2.jpg")
	write(t, root, "x/y/z/later.jpg")
	r.expect("x/y/z/later.jpg")
}

func TestWatchFolderMovedIn(t *testing.T) {
	t.Parallel()
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside, "album/deep/1.jpg", "album/2.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	must(t, os.Rename(filepath.Join(outside, "album"), filepath.Join(root, "album")))
	r.expect("album/deep/1.jpg", "album/2.jpg")
	write(t, root, "album/deep/3.jpg")
	r.expect("album/deep/3.jpg")
}

// TestWatchFolderMovedWithin checks that its watches have the new name, also
// those further down.
func TestWatchFolderMovedWithin(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/deep/1.jpg", "b/keep.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	must(t, os.Rename(filepath.Join(root, "a"), filepath.Join(root, "b/a")))
	r.expect("a", "b/a/deep/1.jpg")
	write(t, root, "b/a/deep/2.jpg")
	r.expect("b/a/deep/2.jpg")
	must(t, os.Rename(filepath.Join(root, "b"), filepath.Join(root, "c")))
	r.expect("b", "c/keep.jpg", "c/a/deep/1.jpg", "c/a/deep/2.jpg")
	write(t, root, "c/a/deep/4.jpg")
	r.expect("c/a/deep/4.jpg")
}

func TestWatchFolderMovedOutAndRemoved(t *testing.T) {
	t.Parallel()
	outside, root := t.TempDir(), t.TempDir()
	write(t, root, "a/1.jpg", "b/2.jpg", "c/3.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	must(t, os.Rename(filepath.Join(root, "a"), filepath.Join(outside, "a")))
	must(t, os.RemoveAll(filepath.Join(root, "b")))
	r.expect("a", "b", "b/2.jpg")
	write(t, outside, "a/elsewhere.jpg")
	write(t, root, "b/again.jpg")
	r.expect("b/again.jpg")
}

func TestWatchLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside, "in/1.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	must(t, os.Symlink(outside, filepath.Join(root, "link")))
	r.expect("link")
	write(t, outside, "2.jpg", "in/3.jpg")
	write(t, root, "last.jpg")
	r.expect("last.jpg")
}

func TestWatchRootByLink(t *testing.T) {
	t.Parallel()
	root, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(root, link))
	r := start(t, link)
	r.expectRescan("watching begins")
	write(t, root, "a/1.jpg")
	r.expect("a/1.jpg")
}

// TestWatchBurst holds the watcher up until all is written: a slow disk would make
// many small reports of it.
func TestWatchBurst(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for folder := range 7 {
		must(t, os.Mkdir(filepath.Join(root, fmt.Sprint(folder)), 0o755))
	}
	release := make(chan struct{})
	r := start(t, root, func(r *run) { r.holdUp = release })
	r.expectRescan("watching begins")
	for number := range burst + 500 {
		write(t, root, fmt.Sprintf("%d/%d.jpg", number%7, number))
	}
	close(release)
	r.expectRescan("many changes at once")
	write(t, root, "5/after.jpg")
	r.expect("5/after.jpg")
}

// TestWatchOverflow fills the system's queue while the first report holds up
// the watcher.
func TestWatchOverflow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	release := make(chan struct{})
	r := start(t, root, func(r *run) { r.holdUp = release })
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	var queue int
	if _, err := fmt.Sscan(string(limit), &queue); err != nil || queue > 100000 {
		close(release)
		t.Skipf("a queue of %q events is too long to fill", limit)
	}
	r.expectRescan("watching begins")
	name := filepath.Join(root, "busy.jpg")
	for range queue {
		must(t, os.WriteFile(name, nil, 0o644))
		must(t, os.Remove(name))
	}
	write(t, root, "unseen/1.jpg")
	close(release)
	for deadline := time.After(patienceOfTests); ; {
		select {
		case <-r.changed:
			continue
		case reason := <-r.rescan:
			if reason != "events were lost" {
				continue
			}
		case <-deadline:
			t.Fatal("the overflow was not noticed")
		}
		break
	}
	write(t, root, "unseen/2.jpg")
	r.expect("unseen/2.jpg")
}

func TestWatchRootGone(t *testing.T) {
	t.Parallel()
	f := func(name string, remove func(root string) error) {
		root := filepath.Join(t.TempDir(), "root")
		write(t, root, "a/1.jpg")
		r := start(t, root)
		r.expectRescan("watching begins")
		must(t, remove(root))
		select {
		case err := <-r.ended:
			r.ended <- err
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root) {
				t.Errorf("%s: got %v", name, err)
			}
		case <-time.After(patienceOfTests):
			t.Errorf("%s: not noticed", name)
		}
	}
	f("removed", os.RemoveAll)
	f("moved", func(root string) error { return os.Rename(root, root+"2") })
	f("moved with its parent", func(root string) error { return os.Rename(filepath.Dir(root), filepath.Dir(root)+"x") })
}

func TestWatchRootMissing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "missing")
	err := New(NewRoot(root, 0), slog.New(slog.DiscardHandler)).Run(context.Background(), nil, nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v", err)
	}
}

func TestWatchLimit(t *testing.T) {
	t.Parallel()
	outside, root := t.TempDir(), t.TempDir()
	write(t, root, "a/1.jpg", "b/2.jpg")
	write(t, outside, "c/d/e/3.jpg", "x/y/5.jpg")
	r := start(t, root, func(r *run) { r.watcher.watchLimit.Store(4) })
	r.expectRescan("watching begins")
	r.expectMode(Watching, 0, "")
	must(t, os.Rename(filepath.Join(outside, "c"), filepath.Join(root, "c")))
	r.expectRescan("polling begins")
	r.expectMode(PartlyPolling, 1, "needed=6")
	write(t, root, "a/4.jpg")
	r.expect("a/4.jpg")
	must(t, os.Rename(filepath.Join(outside, "x"), filepath.Join(root, "x")))
	r.expect("x/y/5.jpg")
	r.expectMode(PartlyPolling, 1, "needed=6")
}

func TestWatchLimitFromTheStart(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/1.jpg", "b/2.jpg", "c/d/3.jpg", ".hidden/x/4.jpg")
	r := start(t, root, func(r *run) { r.watcher.watchLimit.Store(2) })
	r.expectRescan("watching begins")
	r.expectMode(PartlyPolling, 1, "needed=5")
	write(t, root, "4.jpg")
	r.expect("4.jpg")
}

// TestWatchLimitRaised checks that every folder is watched once there is room,
// and that the next shortage is told again.
func TestWatchLimitRaised(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/1.jpg", "b/c/2.jpg")
	r := start(t, root, func(r *run) {
		r.watcher.watchLimit.Store(2)
		r.watcher.roomEvery = 50 * time.Millisecond
	})
	r.expectRescan("watching begins")
	r.expectMode(PartlyPolling, 1, "needed=4")
	r.watcher.watchLimit.Store(5)
	r.expectRescan("there is room for more watches")
	r.expectMode(Watching, 1, "every folder has one")
	write(t, root, "b/c/3.jpg")
	r.expect("b/c/3.jpg")
	write(t, root, "d/e/4.jpg")
	r.expectRescan("polling begins")
	r.expectMode(PartlyPolling, 2, "needed=6")
}

func (r *run) expectMode(mode string, warnings int, text string) {
	r.t.Helper()
	log := r.log.String()
	if r.watcher.Mode() != mode || strings.Count(log, "WARN") != warnings || !strings.Contains(log, text) ||
		warnings > 0 && !strings.Contains(log, "fs.inotify.max_user_watches") {
		r.t.Errorf("mode %s, log %q", r.watcher.Mode(), log)
	}
}

func TestWatchIgnoreFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a/1.jpg", "b/2.jpg")
	r := start(t, root)
	r.expectRescan("watching begins")
	must(t, os.WriteFile(filepath.Join(root, ".vsedignore"), []byte("a/\n"), 0o644))
	r.expectIgnoreRescan()
	write(t, root, "a/unseen.jpg", "b/seen.jpg")
	r.expect("b/seen.jpg")
	must(t, os.Remove(filepath.Join(root, ".vsedignore")))
	r.expectIgnoreRescan()
	write(t, root, "a/seen.jpg")
	r.expect("a/seen.jpg")
}

// expectIgnoreRescan passes over reports of the file itself.
func (r *run) expectIgnoreRescan() {
	r.t.Helper()
	for {
		select {
		case <-r.changed:
		case reason := <-r.rescan:
			if reason != "ignore rules changed" {
				r.t.Fatalf("got %q", reason)
			}
			return
		case <-time.After(patienceOfTests):
			r.t.Fatal("the change was not noticed")
		}
	}
}

func TestWatchPending(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	release := make(chan struct{})
	r := start(t, root, func(r *run) { r.holdUp = release })
	before := time.Now()
	r.expectRescan("watching begins")
	if since := r.watcher.Pending(); since.Before(before.Add(-patienceOfTests)) || since.After(time.Now()) {
		t.Errorf("pending since %v", since)
	}
	close(release)
	for deadline := time.Now().Add(patienceOfTests); !r.watcher.Pending().IsZero(); {
		if time.Now().After(deadline) {
			t.Fatal("still pending")
		}
	}
}
