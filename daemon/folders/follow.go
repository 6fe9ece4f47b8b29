package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

const (
	// scanInterval is the longest that a change can go unseen which the watcher
	// missed.
	scanInterval = time.Hour
	// pollShare keeps polling from taking more than this part of the time.
	pollShare = 10
	// offlinePause is how often a folder that is not there is looked for, and
	// how soon a failed scan is repeated.
	offlinePause = 10 * time.Second
	// hangPause is how often it is asked whether a call that hung has come back;
	// as long as it has not, no other is made.
	hangPause = time.Second
	// slowCall is how long a single call takes before the folder is said not to
	// answer. It may be a disk that has to spin up: its photos are not taken for
	// offline yet.
	slowCall = 3 * time.Second
)

// A follower keeps one folder.
type follower struct {
	catalogue *catalogue.Catalogue
	log       *slog.Logger
	poll      time.Duration
	trouble   *atomic.Pointer[string] // the keeper's

	folder  catalogue.Folder
	root    *watch.Root
	watcher *watch.Watcher
	stop    context.CancelFunc
	retry   chan struct{} // holds a token when something was mounted

	// Those of the goroutine of keep.
	settling settling
	problem  string // as logged and stored last; "" while online
	again    bool   // something could not be looked at: scan soon
	probed   string // the last known path that was looked for in vain; see lacks

	mutex      sync.Mutex
	state      string
	filesystem string
	waiting    time.Time // of the oldest change for which a scan is asked
	working    time.Time // of the oldest change that is being taken in
	held       time.Time // of the oldest change that has not settled
}

func newFollower(k *Keeper, folder catalogue.Folder, root *watch.Root, stop context.CancelFunc) *follower {
	state := Online
	if folder.Offline {
		state = Offline
	}
	return &follower{catalogue: k.catalogue, log: k.log, poll: k.poll, trouble: &k.trouble, folder: folder, root: root,
		watcher: watch.New(root, k.log), stop: stop, retry: make(chan struct{}, 1), state: state}
}

func (f *follower) report(now time.Time) Report {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	report := Report{Mode: f.watcher.Mode(), State: f.state, Filesystem: f.filesystem}
	if f.state == Online && f.root.Waiting() > slowCall {
		report.State = NotAnswering
	}
	for _, since := range []time.Time{f.waiting, f.working, f.held, f.watcher.Pending()} {
		if !since.IsZero() {
			report.Lag = max(report.Lag, now.Sub(since))
		}
	}
	return report
}

func (f *follower) set(change func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	change()
}

// keep follows the folder until the context ends; failures are noted on the
// folder and tried again.
func (f *follower) keep(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := offlinePause
		switch {
		case catalogue.StorageFailed(err):
			f.storageFailed(err)
		case errors.Is(err, watch.ErrNotAnswering):
			wait = hangPause
			f.offline(ctx, err)
		default:
			f.offline(ctx, err)
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-f.retry:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// storageFailed notes that what was seen could not be stored, which is no fault
// of the folder.
func (f *follower) storageFailed(problem error) {
	line := problem.Error()
	if said := f.trouble.Swap(&line); said == nil {
		f.log.Error("changes of a folder cannot be stored; trying again", "folder", f.folder.ID, "error", problem, "pause", offlinePause)
	}
}

// offline notes that the folder cannot be read. Its photos stay as they are.
func (f *follower) offline(ctx context.Context, problem error) {
	state := Offline
	if errors.Is(problem, watch.ErrNotAnswering) {
		state = NotAnswering
	}
	f.settling.clear()
	f.set(func() {
		f.state = state
		f.waiting, f.working, f.held = time.Time{}, time.Time{}, time.Time{}
	})
	if problem.Error() == f.problem {
		return // said before, and stored
	}
	f.log.Warn("a folder cannot be read; its photos are marked offline", "folder", f.folder.ID, "state", state, "error", problem)
	err := f.catalogue.SetFolderState(ctx, f.folder.ID, true, remedy(problem))
	if err == nil {
		f.problem = problem.Error()
	} else if ctx.Err() == nil {
		f.log.Error("the state of a folder cannot be stored", "folder", f.folder.ID, "error", err)
	}
}

func remedy(problem error) string {
	switch {
	case errors.Is(problem, watch.ErrNotAnswering):
		return fmt.Sprintf("%v: see whether the server or the program behind it is there; it is tried again until it answers", problem)
	case errors.Is(problem, fs.ErrNotExist):
		return fmt.Sprintf("%v: mount or create it, or remove it with `vsectl folder remove`", problem)
	case errors.Is(problem, fs.ErrPermission):
		return fmt.Sprintf("%v: let the user that runs vsed read it", problem)
	}
	return problem.Error()
}

// A change is what the watcher tells of.
type change struct {
	paths []string
	since time.Time
}

// follow watches and scans until something fails. The watcher asks for the
// first scan when its watches stand, so that nothing falls between the two.
func (f *follower) follow(ctx context.Context) error {
	identity, err := f.mounted(ctx)
	if err != nil {
		return err
	}
	f.set(func() { f.filesystem = identity.Filesystem })
	changes := make(chan change)
	rescans := make(chan string, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.watcher.Run(ctx, sender(ctx, changes), f.requester(rescans)) })
	group.Go(func() error { return f.observe(ctx, changes, rescans) })
	return group.Wait()
}

func sender(ctx context.Context, changes chan<- change) func([]string, time.Time) {
	return func(paths []string, since time.Time) {
		select {
		case changes <- change{paths, since}:
		case <-ctx.Done():
		}
	}
}

// requester keeps one request: a scan that has not begun serves them all.
func (f *follower) requester(rescans chan<- string) func(string, time.Time) {
	return func(reason string, since time.Time) {
		f.set(func() {
			if f.waiting.IsZero() {
				f.waiting = since
			}
		})
		select {
		case rescans <- reason:
		default:
		}
	}
}

// observe takes what the watcher reports into the catalogue, with a whole scan
// on request and every hour, or more often where not everything is watched.
func (f *follower) observe(ctx context.Context, changes <-chan change, rescans <-chan string) error {
	next := time.NewTimer(scanInterval)
	defer next.Stop()
	scan := func(reason string) error {
		start := time.Now()
		err := f.scan(ctx, reason)
		next.Reset(f.pause(time.Since(start)))
		return err
	}
	for {
		settled := f.settling.timer(time.Now())
		var err error
		select {
		case one := <-changes:
			f.set(func() { f.working = one.since })
			err = f.look(ctx, one.paths, one.since)
		case reason := <-rescans:
			err = scan(reason)
		case <-settled:
			err = f.lookAgain(ctx)
		case <-next.C:
			err = scan("it is time")
		case <-ctx.Done():
			return ctx.Err()
		}
		f.set(func() { f.working, f.held = time.Time{}, f.settling.oldest() })
		if err != nil {
			return err
		}
		switch {
		case f.settling.overflowed():
			next.Reset(settleTime)
		case f.again:
			f.again = false
			next.Reset(offlinePause)
		}
	}
}

// pause is the time until the next scan after one that took this long.
func (f *follower) pause(took time.Duration) time.Duration {
	if f.watcher.Mode() == watch.Watching {
		return scanInterval
	}
	return min(max(f.poll, pollShare*took), scanInterval)
}
