package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// How changes are noticed, as Mode says.
const (
	Watching = "watching"
	Polling  = "polling"
)

const (
	// pollEvery is the time between rescans where changes cannot be watched.
	pollEvery = time.Minute
	// lookEvery is the time between looks at whether the root is still there: an
	// unmounted one does not tell.
	lookEvery = 10 * time.Second
)

// A Watcher notices changes below one root. It only makes a scan come sooner:
// events are lost on network filesystems, and where a folder is changed and
// moved at once, so the caller scans the whole root now and then all the same.
type Watcher struct {
	root    string
	log     *slog.Logger
	polling atomic.Bool
	// watchLimit stands for the system's limit of watches in tests; 0 is none.
	watchLimit int
}

// New makes a watcher of a root folder, which may be a symbolic link to one.
func New(root string, log *slog.Logger) *Watcher {
	return &Watcher{root: root, log: log}
}

// Mode is Watching or, where the system's limits forbid that, Polling.
func (w *Watcher) Mode() string {
	if w.polling.Load() {
		return Polling
	}
	return Watching
}

var (
	errLimit    = errors.New("limit of watches reached")
	errOverflow = errors.New("events were lost")
)

// Run watches until ctx ends, whose error it then returns, or until the root is
// gone or another folder has taken its place (fs.ErrNotExist). It may be run
// again after.
//
// changed gets paths to which something happened, in the order of their bytes,
// half a second after the last such event: files that came, changed or went,
// and folders that went or were moved away, for which it means all that was
// below. rescan is called where single paths cannot be told: once the watches
// stand, so that a scan from then on misses nothing; when more than a thousand
// paths wait; when the system lost events; and each minute while polling. The
// two are never called at the same time, and should return soon.
func (w *Watcher) Run(ctx context.Context, changed func(paths []string), rescan func(reason string)) error {
	root, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		return fmt.Errorf("folder %s: %w", w.root, plain(err))
	}
	group, ctx := errgroup.WithContext(ctx)
	happenings := make(chan happening)
	group.Go(func() error {
		newCollector(changed, rescan).run(ctx, happenings)
		return ctx.Err()
	})
	group.Go(func() error {
		return w.watch(ctx, root, func(one happening) {
			select {
			case happenings <- one:
			case <-ctx.Done():
			}
		})
	})
	return group.Wait()
}

// watch starts over, with new watches, each time that events were lost: folders
// may have come that nobody told of.
func (w *Watcher) watch(ctx context.Context, root string, tell func(happening)) error {
	reason := "watching begins"
	for {
		err := w.watchOnce(ctx, root, reason, tell)
		switch {
		case errors.Is(err, errOverflow):
			w.log.Info("events of a folder were lost, it is scanned anew")
			reason = "events were lost"
		case errors.Is(err, errLimit):
			return w.poll(ctx, root, tell)
		default:
			return err
		}
	}
}

func (w *Watcher) watchOnce(ctx context.Context, root, reason string, tell func(happening)) error {
	w.polling.Store(false)
	notify, err := fsnotify.NewWatcher()
	if errors.Is(err, unix.EMFILE) {
		w.warn("fs.inotify.max_user_instances")
		return errLimit
	}
	if err != nil {
		return fmt.Errorf("folder %s: watching: %w", w.root, err)
	}
	defer notify.Close()
	t := newTree(root, notify, w.watchLimit, tell)
	identity, err := t.begin()
	if errors.Is(err, errLimit) {
		w.warn("fs.inotify.max_user_watches")
		return err
	}
	if err != nil {
		return err
	}
	tell(happening{lost: reason})
	err = w.follow(ctx, t, identity)
	if errors.Is(err, errLimit) {
		w.warn("fs.inotify.max_user_watches")
	}
	return err
}

func (w *Watcher) warn(setting string) {
	w.log.Warn("a folder cannot be watched: the system's limit is reached; it is scanned each minute instead, until the limit is raised and the daemon restarted", "sysctl", setting)
}

// follow hands events to the tree.
func (w *Watcher) follow(ctx context.Context, t *tree, identity Info) error {
	lost := drain(t.notify)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lost:
			return errOverflow
		case <-look.C:
			if err := w.sameRoot(t.root, identity); err != nil {
				return err
			}
		case event, open := <-t.notify.Events:
			if !open {
				return errOverflow
			}
			if event.Name == t.root && event.Has(fsnotify.Remove|fsnotify.Rename) {
				return w.gone()
			}
			if err := t.handle(event); err != nil {
				return err
			}
		}
	}
}

// drain keeps fsnotify's errors from holding it up while it holds a lock that
// adding a watch needs. Any error means that events may be lost. It ends when
// notify is closed.
func drain(notify *fsnotify.Watcher) <-chan struct{} {
	lost := make(chan struct{}, 1)
	go func() {
		for range notify.Errors {
			select {
			case lost <- struct{}{}:
			default:
			}
		}
	}()
	return lost
}

func (w *Watcher) poll(ctx context.Context, root string, tell func(happening)) error {
	w.polling.Store(true)
	identity, err := rootIdentity(root)
	if err != nil {
		return err
	}
	tell(happening{lost: "polling begins"})
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := w.sameRoot(root, identity); err != nil {
				return err
			}
			tell(happening{lost: "polling"})
		}
	}
}

func rootIdentity(root string) (Info, error) {
	fd, err := openRoot(root)
	if err != nil {
		return Info{}, err
	}
	defer unix.Close(fd)
	info, _, err := statAt(fd, ".")
	return info, err
}

func (w *Watcher) sameRoot(root string, identity Info) error {
	now, err := rootIdentity(root)
	if err != nil || now.Device != identity.Device || now.Inode != identity.Inode {
		return w.gone()
	}
	return nil
}

func (w *Watcher) gone() error {
	return fmt.Errorf("folder %s: went away: %w", w.root, fs.ErrNotExist)
}
