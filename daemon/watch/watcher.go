package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// How changes are noticed, as Mode says.
const (
	Watching      = "watching"
	Polling       = "polling"
	PartlyPolling = "partly polling"
)

// lookEvery is the time between looks at whether the root is still there: one
// that was moved with a folder above it does not tell, and a filesystem that
// hangs is to be found out.
const lookEvery = 5 * time.Second

// roomEvery is the time between looks at whether the system has room again for
// watches that it had none for.
const roomEvery = time.Minute

// A Watcher notices changes below one root. It only makes a scan come sooner:
// changes made elsewhere are not seen on network filesystems, and events are
// lost where a folder is changed and moved at once, so the caller scans the whole
// root now and then all the same, and often where Mode is not Watching.
type Watcher struct {
	root *Root
	log  *slog.Logger
	mode atomic.Value // string
	// oldest is the first happening that was not reported; see collector.
	oldest atomic.Int64
	check  chan struct{} // holds a token after Check

	warned bool // of the limit

	// watchLimit stands for the system's limit of watches in tests; 0 is none.
	watchLimit atomic.Int64
	roomEvery  time.Duration
}

// New makes a watcher of a root.
func New(root *Root, log *slog.Logger) *Watcher {
	w := &Watcher{root: root, log: log, check: make(chan struct{}, 1), roomEvery: roomEvery}
	w.mode.Store(Watching)
	return w
}

// Mode is Watching; Polling where changes may not be seen: on a network
// filesystem and where the system allows no watch; or PartlyPolling where it
// allows some.
func (w *Watcher) Mode() string { return w.mode.Load().(string) }

// Pending is the time of the first change that was not reported yet, and zero
// where there is none.
func (w *Watcher) Pending() time.Time {
	if oldest := w.oldest.Load(); oldest != 0 {
		return time.Unix(0, oldest)
	}
	return time.Time{}
}

// Check has a running watcher look soon whether its root is still there.
func (w *Watcher) Check() {
	select {
	case w.check <- struct{}{}:
	default:
	}
}

var (
	errLimit    = errors.New("limit of watches reached")
	errOverflow = errors.New("events were lost")
	errRules    = errors.New("ignore rules changed")
	errRoom     = errors.New("there is room for more watches")
)

// Run watches until ctx ends, whose error it then returns, or until the root is
// gone or another folder has taken its place (fs.ErrNotExist), or its filesystem
// hangs (ErrNotAnswering). It returns even while calls hang, and may be run again
// after.
//
// changed gets paths to which something happened, in the order of their bytes,
// half a second after the last such event: files that came, changed or went,
// and folders that went or were moved away, for which it means all that was
// below. rescan is called where single paths cannot be told: once the watches
// stand, so that a scan from then on misses nothing; when more than a thousand
// paths wait; when the system lost events; when a .vsedignore changed; and when
// Mode changes. Both get the time of the first event that they report. The two
// are never called at the same time, and should return soon.
func (w *Watcher) Run(ctx context.Context, changed func(paths []string, since time.Time), rescan func(reason string, since time.Time)) error {
	group, ctx := errgroup.WithContext(ctx)
	happenings := make(chan happening)
	group.Go(func() error {
		newCollector(changed, rescan, &w.oldest).run(ctx, happenings)
		return ctx.Err()
	})
	group.Go(func() error {
		return w.watch(ctx, func(one happening) {
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
func (w *Watcher) watch(ctx context.Context, tell func(happening)) error {
	identity, err := w.root.Identity(ctx)
	if err != nil {
		return err
	}
	if identity.Remote {
		w.mode.Store(Polling)
		tell(happening{lost: "polling begins"})
		return w.look(ctx, identity, nil)
	}
	reason := "watching begins"
	for {
		err := w.watchOnce(ctx, identity, reason, tell)
		switch {
		case errors.Is(err, errOverflow):
			w.log.Info("events of a folder were lost, it is scanned anew")
			reason = "events were lost"
		case errors.Is(err, errRules):
			reason = errRules.Error()
		case errors.Is(err, errRoom):
			reason = errRoom.Error()
		default:
			return err
		}
	}
}

func (w *Watcher) watchOnce(ctx context.Context, identity Identity, reason string, tell func(happening)) error {
	notify, err := fsnotify.NewWatcher()
	if errors.Is(err, unix.EMFILE) {
		w.mode.Store(Polling)
		w.warn("fs.inotify.max_user_instances", 1)
		tell(happening{lost: "polling begins"})
		room := time.NewTimer(w.roomEvery)
		defer room.Stop()
		return w.look(ctx, identity, room.C)
	}
	if err != nil {
		return fmt.Errorf("folder %s: watching: %w", w.root.path, err)
	}
	defer w.close(ctx, notify)
	lost := drain(notify)
	var t *tree
	err = w.root.work(ctx, func(p *pulse) error {
		p.begin()
		resolved, err := filepath.EvalSymlinks(w.root.path)
		p.end()
		if err != nil {
			return fmt.Errorf("folder %s: %w", w.root.path, plain(err))
		}
		t = newTree(resolved, notify, &w.watchLimit, tell)
		return t.begin(p)
	})
	if err != nil {
		return err
	}
	w.judge(t)
	tell(happening{lost: reason})
	return w.follow(ctx, t, lost, identity)
}

// close gives the watches back, so that the next ones find room. It waits for a
// call that hangs, so nothing must wait long for it.
func (w *Watcher) close(ctx context.Context, notify *fsnotify.Watcher) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		notify.Close()
	}()
	patience := time.NewTimer(w.root.patience)
	defer patience.Stop()
	select {
	case <-closed:
	case <-ctx.Done():
	case <-patience.C:
	}
}

// judge sets the mode by how many folders are watched.
func (w *Watcher) judge(t *tree) (mode string) {
	switch {
	case t.missing == 0:
		mode = Watching
	case len(t.folders) == 0:
		mode = Polling
	default:
		mode = PartlyPolling
	}
	w.mode.Store(mode)
	switch {
	case t.missing > 0:
		w.warn("fs.inotify.max_user_watches", t.missing)
	case w.warned:
		w.warned = false
		w.log.Info("the system has room for watches again: every folder has one")
	}
	return mode
}

// warn tells once what to set a limit of the system to.
func (w *Watcher) warn(setting string, missing int) {
	if w.warned {
		return
	}
	w.warned = true
	limit := int(w.watchLimit.Load())
	if limit == 0 {
		// Without it the warning says how many are missing.
		text, _ := os.ReadFile("/proc/sys/" + strings.ReplaceAll(setting, ".", "/"))
		limit, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	w.log.Warn("the system's limit of watches is reached: the folders without one are scanned now and then, until there is room: raise the limit",
		"sysctl", setting, "limit", limit, "needed", limit+missing)
}

// follow hands events to the tree.
func (w *Watcher) follow(ctx context.Context, t *tree, lost <-chan struct{}, identity Identity) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	room := time.NewTicker(w.roomEvery)
	defer room.Stop()
	var rules <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-lost:
			return errOverflow
		case <-rules:
			return errRules
		case <-room.C:
			if err := w.room(ctx, t); err != nil {
				return err
			}
		case <-look.C:
			if err := w.sameRoot(ctx, identity); err != nil {
				return err
			}
		case <-w.check:
			if err := w.sameRoot(ctx, identity); err != nil {
				return err
			}
		case event, open := <-t.notify.Events:
			if !open {
				return errOverflow
			}
			if event.Name == t.root && event.Has(fsnotify.Remove|fsnotify.Rename) {
				return w.gone()
			}
			if err := w.handle(ctx, t, event); err != nil {
				return err
			}
			if t.rules && rules == nil {
				rules = time.After(settle)
			}
		}
	}
}

// room is errRoom where the system has a watch for a folder that has none.
func (w *Watcher) room(ctx context.Context, t *tree) error {
	if t.missing == 0 {
		return nil
	}
	return w.root.work(ctx, func(p *pulse) error {
		p.begin()
		defer p.end()
		if t.hasRoom() {
			return errRoom
		}
		return nil
	})
}

func (w *Watcher) handle(ctx context.Context, t *tree, event fsnotify.Event) error {
	missing := t.missing
	err := w.root.work(ctx, func(p *pulse) error {
		t.handle(p, event)
		return nil
	})
	if err != nil || t.missing == missing {
		return err
	}
	if before := w.Mode(); w.judge(t) != before {
		t.tell(happening{lost: "polling begins"})
	}
	return nil
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

// look looks now and then whether the root is still there. It ends with errRoom
// once room tells that it is time to try to watch again.
func (w *Watcher) look(ctx context.Context, identity Identity, room <-chan time.Time) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-room:
			return errRoom
		case <-tick.C:
		case <-w.check:
		}
		if err := w.sameRoot(ctx, identity); err != nil {
			return err
		}
	}
}

func (w *Watcher) sameRoot(ctx context.Context, identity Identity) error {
	now, err := w.root.Identity(ctx)
	if isGone(err) || err == nil && now != identity {
		return w.gone()
	}
	return err
}

func (w *Watcher) gone() error {
	return fmt.Errorf("folder %s: went away: %w", w.root.path, fs.ErrNotExist)
}
