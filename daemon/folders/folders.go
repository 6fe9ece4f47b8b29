// Package folders keeps the catalogue true to the watched folders: one keeper
// goroutine a folder scans it whole, then follows its watcher. It decides when
// to look; how to look is package watch's, what a difference means package
// catalogue's.
package folders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/watch"
)

const (
	// scanInterval is the longest that a change can go unseen which the watcher
	// missed.
	scanInterval = time.Hour
	// offlinePause is how often a folder that is not there is looked for, and
	// how soon a failed scan is repeated.
	offlinePause = 10 * time.Second
	// observeBatch is how many files go to the catalogue in one transaction.
	observeBatch = 500
)

// A Keeper keeps every folder of the catalogue. It has one Run.
type Keeper struct {
	catalogue *catalogue.Catalogue
	log       *slog.Logger

	mutex    sync.Mutex
	watchers map[int64]*watch.Watcher
}

// New makes a keeper over an open catalogue.
func New(c *catalogue.Catalogue, log *slog.Logger) *Keeper {
	return &Keeper{catalogue: c, log: log, watchers: make(map[int64]*watch.Watcher)}
}

// Mode says how changes of the folder are noticed: "watching" or "polling".
func (k *Keeper) Mode(folder int64) string {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if watcher := k.watchers[folder]; watcher != nil {
		return watcher.Mode()
	}
	return watch.Polling
}

// Run keeps the folders until the context ends, as they are added and removed.
func (k *Keeper) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	kept := make(map[int64]context.CancelFunc)
	defer group.Wait()
	for {
		changed := k.catalogue.Wait()
		known, err := k.catalogue.Folders(ctx)
		if err != nil && ctx.Err() == nil {
			k.log.Error("the list of folders cannot be read", "error", err)
		}
		if err == nil {
			k.reconcile(ctx, group, kept, known)
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
func (k *Keeper) reconcile(ctx context.Context, group *errgroup.Group, kept map[int64]context.CancelFunc, known []catalogue.Folder) {
	present := make(map[int64]bool, len(known))
	for _, folder := range known {
		present[folder.ID] = true
		if kept[folder.ID] != nil {
			continue
		}
		keeping, stop := context.WithCancel(ctx)
		kept[folder.ID] = stop
		group.Go(func() error {
			k.keep(keeping, folder)
			return nil
		})
	}
	for id, stop := range kept {
		if !present[id] {
			stop()
			delete(kept, id)
		}
	}
}

// keep follows one folder until the context ends; failures are noted on the
// folder and tried again.
func (k *Keeper) keep(ctx context.Context, folder catalogue.Folder) {
	for ctx.Err() == nil {
		err := k.follow(ctx, folder)
		if ctx.Err() != nil {
			return
		}
		k.offline(ctx, folder, err)
		select {
		case <-time.After(offlinePause):
		case <-ctx.Done():
		}
	}
}

// offline notes that the folder cannot be read. Its photos stay as they are.
func (k *Keeper) offline(ctx context.Context, folder catalogue.Folder, problem error) {
	k.log.Warn("a folder cannot be read; its photos are marked offline", "folder", folder.ID, "error", problem)
	if err := k.catalogue.SetFolderState(ctx, folder.ID, true, remedy(problem)); err != nil && ctx.Err() == nil {
		k.log.Error("the state of a folder cannot be stored", "folder", folder.ID, "error", err)
	}
}

func remedy(problem error) string {
	switch {
	case errors.Is(problem, fs.ErrNotExist):
		return fmt.Sprintf("%v: mount or create it, or remove it with `vsectl folder remove`", problem)
	case errors.Is(problem, fs.ErrPermission):
		return fmt.Sprintf("%v: let the user that runs vsed read it", problem)
	}
	return problem.Error()
}

// follow watches and scans until something fails. The watcher asks for the
// first scan when its watches stand, so that nothing falls between the two.
func (k *Keeper) follow(ctx context.Context, folder catalogue.Folder) error {
	if err := checkRoot(folder.Path); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watcher := watch.New(folder.Path, k.log)
	k.set(folder.ID, watcher)
	defer k.set(folder.ID, nil)
	changes := make(chan []string)
	rescans := make(chan string, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return watcher.Run(ctx, sender(ctx, changes), requester(rescans)) })
	group.Go(func() error { return k.observe(ctx, folder, changes, rescans) })
	return group.Wait()
}

func (k *Keeper) set(folder int64, watcher *watch.Watcher) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if watcher == nil {
		delete(k.watchers, folder)
		return
	}
	k.watchers[folder] = watcher
}

func sender(ctx context.Context, changes chan<- []string) func([]string) {
	return func(paths []string) {
		select {
		case changes <- paths:
		case <-ctx.Done():
		}
	}
}

// requester keeps one request: a scan that has not begun serves them all.
func requester(rescans chan<- string) func(string) {
	return func(reason string) {
		select {
		case rescans <- reason:
		default:
		}
	}
}

// checkRoot says why the folder cannot be scanned.
func checkRoot(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file, not a folder: name the folder that it is in", path)
	}
	return nil
}

// observe takes what the watcher reports into the catalogue, with a whole scan
// on request and every hour.
func (k *Keeper) observe(ctx context.Context, folder catalogue.Folder, changes <-chan []string, rescans <-chan string) error {
	hourly := time.NewTicker(scanInterval)
	defer hourly.Stop()
	for {
		var err error
		select {
		case paths := <-changes:
			err = k.look(ctx, folder, paths)
		case reason := <-rescans:
			err = k.scan(ctx, folder, reason)
		case <-hourly.C:
			err = k.scan(ctx, folder, "hourly")
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
