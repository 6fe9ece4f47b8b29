// Package folders keeps the catalogue true to the watched folders: one keeper
// goroutine a folder scans it whole, then follows its watcher. It decides when
// to look, and whether what is there is the folder or the bare place where it is
// mounted; how to look is package watch's, what a difference means package
// catalogue's.
package folders

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

// DefaultPollInterval is the time between scans of a folder whose changes
// cannot be watched.
const DefaultPollInterval = time.Minute

// What a Report says of a folder's state.
const (
	Online       = "online"
	Offline      = "offline" // not there, or not mounted
	NotAnswering = "not answering"
)

// A Report says how a folder is kept.
type Report struct {
	Mode       string        // how changes are noticed: a mode of package watch
	State      string        // Online, Offline or NotAnswering
	Lag        time.Duration // age of the oldest change known of and not taken in yet; 0: none
	Filesystem string        // its kind, such as "ext4" or "fuse.sshfs"; "" until it answered once
}

// A Keeper keeps every folder of the catalogue. It has one Run.
type Keeper struct {
	catalogue *catalogue.Catalogue
	log       *slog.Logger
	poll      time.Duration
	patience  time.Duration

	trouble atomic.Pointer[string] // why changes cannot be stored; nil where they can

	mutex     sync.Mutex
	roots     map[int64]*watch.Root
	followers map[int64]*follower
	newest    int64 // the greatest id of a folder that was ever kept; ids only grow
}

// An Option changes a Keeper.
type Option func(*Keeper)

// PollEvery sets the time between scans where changes cannot be watched, in
// place of DefaultPollInterval; they are further apart where a scan takes long.
func PollEvery(interval time.Duration) Option {
	return func(k *Keeper) {
		if interval > 0 {
			k.poll = interval
		}
	}
}

// Patience sets how long a single call into a filesystem may take, in place of
// watch.DefaultPatience.
func Patience(patience time.Duration) Option {
	return func(k *Keeper) { k.patience = patience }
}

// New makes a keeper over an open catalogue.
func New(c *catalogue.Catalogue, log *slog.Logger, options ...Option) *Keeper {
	k := &Keeper{catalogue: c, log: log, poll: DefaultPollInterval,
		roots: make(map[int64]*watch.Root), followers: make(map[int64]*follower)}
	for _, option := range options {
		option(k)
	}
	return k
}

// Root is the way to the files of a folder, by its id and path: it bounds the
// calls into a filesystem that hangs, so all of the daemon has to go through the
// same. A folder that was removed has one for each asking.
func (k *Keeper) Root(folder int64, path string) *watch.Root {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.roots[folder] == nil && folder <= k.newest {
		return watch.NewRoot(path, k.patience)
	}
	return k.root(folder, path)
}

// root is Root of a folder that was not removed. The mutex is held.
func (k *Keeper) root(folder int64, path string) *watch.Root {
	root := k.roots[folder]
	if root == nil {
		root = watch.NewRoot(path, k.patience)
		k.roots[folder] = root
	}
	return root
}

// OpenPhoto opens a file of a folder for reading; see watch.Root. Its errors are
// watch.ErrNotAnswering where the filesystem hangs: no fault of the file.
func (k *Keeper) OpenPhoto(ctx context.Context, folder int64, root, relative string) (*os.File, watch.Info, error) {
	return k.Root(folder, root).OpenPhoto(ctx, relative)
}

// Restat is the Restat of the folder's root.
func (k *Keeper) Restat(ctx context.Context, folder int64, root string, photo *os.File) (watch.Info, error) {
	return k.Root(folder, root).Restat(ctx, photo)
}

// Gone reports whether nothing is at a path of a folder although the folder is
// there, as it was scanned last. An error means that it cannot be told.
func (k *Keeper) Gone(ctx context.Context, folder int64, root, relative string) (bool, error) {
	return gone(ctx, k.catalogue, folder, k.Root(folder, root), relative)
}

// Sound says why a folder cannot be read, or is not the one that was scanned;
// nil where it is.
func (k *Keeper) Sound(ctx context.Context, folder int64, root string) error {
	return sameRoot(ctx, k.catalogue, folder, k.Root(folder, root))
}

// Problem says in one line why changes cannot be stored; empty where they can.
func (k *Keeper) Problem() string {
	if line := k.trouble.Load(); line != nil {
		return *line
	}
	return ""
}

// Report says how the folder with this id is kept.
func (k *Keeper) Report(folder int64) Report {
	k.mutex.Lock()
	f := k.followers[folder]
	k.mutex.Unlock()
	if f == nil {
		return Report{Mode: watch.Polling, State: Online} // added a moment ago
	}
	return f.report(time.Now())
}

// Run keeps the folders until the context ends, as they are added and removed.
// It does not wait for filesystems that hang.
func (k *Keeper) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	defer group.Wait()
	group.Go(func() error {
		if err := watch.Mounts(ctx, k.checkAll); err != nil && ctx.Err() == nil {
			k.log.Warn("mounts and unmounts are noticed late", "error", err)
		}
		return nil
	})
	for {
		changed := k.catalogue.Wait()
		known, err := k.catalogue.Folders(ctx)
		if err != nil && ctx.Err() == nil {
			k.log.Error("the list of folders cannot be read", "error", err)
		}
		if err == nil {
			k.reconcile(ctx, group, known)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// reconcile starts a goroutine for each new folder and ends those of folders
// that are gone.
func (k *Keeper) reconcile(ctx context.Context, group *errgroup.Group, known []catalogue.Folder) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	present := make(map[int64]bool, len(known))
	for _, folder := range known {
		present[folder.ID] = true
		k.newest = max(k.newest, folder.ID)
		if k.followers[folder.ID] == nil {
			keeping, stop := context.WithCancel(ctx)
			f := newFollower(k, folder, k.root(folder.ID, folder.Path), stop)
			k.followers[folder.ID] = f
			group.Go(func() error {
				defer stop()
				f.keep(keeping)
				return nil
			})
		}
	}
	for id, f := range k.followers {
		if !present[id] {
			f.stop()
			delete(k.followers, id)
		}
	}
	for id := range k.roots {
		if !present[id] && id <= k.newest { // a greater one was added after known was read
			delete(k.roots, id)
		}
	}
}

// checkAll has every folder looked at soon.
func (k *Keeper) checkAll() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, f := range k.followers {
		f.watcher.Check()
		select {
		case f.retry <- struct{}{}:
		default:
		}
	}
}
