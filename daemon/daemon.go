// Package daemon wires the parts of vsed together and runs them until its
// context ends. It holds the order of start and stop, and the answers to the
// API, which need several parts at once; what a part does is the part's.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/config"
	"vsed/daemon/folders"
	"vsed/daemon/learn"
	"vsed/daemon/places"
	"vsed/daemon/search"
	"vsed/daemon/server"
	"vsed/daemon/systemd"
	"vsed/daemon/thumbnail"
	"vsed/index/keyword"
)

// Options is what a daemon is told beyond its configuration.
type Options struct {
	Config  config.Config
	Version string
	Systemd systemd.Notifier
	Log     *slog.Logger

	// Reload asks for the configuration to be read again, with ReadConfig.
	Reload     <-chan os.Signal
	ReadConfig func() (config.Config, error)
}

// A daemon is the running parts. Each part has one owner: the function that
// opens it also closes it.
type daemon struct {
	Options
	catalogue  *catalogue.Catalogue
	engine     *search.Engine
	keeper     *folders.Keeper
	thumbnails *thumbnail.Store // nil: none are kept
	places     *places.Gazetteer
	encoding   *encoding
	learning   *learn.Manager
}

// Run serves until the context ends, which is no error. The socket answers
// before any folder has been scanned and any plugin started.
func Run(ctx context.Context, options Options) (err error) {
	lock, err := lockState(options.Config.State)
	if err != nil {
		return err
	}
	defer closing(&err, lock.Close)
	listener, err := server.Listen(options.Config.Socket)
	if err != nil {
		return err
	}
	defer listener.Close() // the server closes it first; this is for a failed start
	return withStores(ctx, options, func(d *daemon) error {
		lock.keep()
		return d.serve(ctx, listener)
	})
}

// withStores opens everything under the state folder around run.
func withStores(ctx context.Context, options Options, run func(*daemon) error) (err error) {
	state := options.Config.State
	c, err := catalogue.Open(ctx, state)
	if err != nil {
		return err
	}
	defer closing(&err, c.Close)
	gazetteer, err := openPlaces(options.Log)
	if err != nil {
		return err
	}
	defer closing(&err, gazetteer.Close)
	words, err := openWords(ctx, c, filepath.Join(state, "keyword"), gazetteer.Sum(), options.Config.Search.Language, options.Log)
	if err != nil {
		return err
	}
	defer closing(&err, words.Close)
	d := &daemon{
		Options: options, catalogue: c,
		places: gazetteer,
		engine: search.New(c, words, gazetteer, options.Log),
		keeper: folders.New(c, options.Log, folders.PollEvery(options.Config.Watch.PollInterval.Duration)),
	}
	if err := d.engine.KeepAttributes(ctx, filepath.Join(state, "attributes")); err != nil {
		return err
	}
	d.engine.South = options.Config.Search.Hemisphere == "south"
	if options.Config.Ingest.Thumbnails {
		if d.thumbnails, err = thumbnail.Open(filepath.Join(state, "thumbnails")); err != nil {
			return err
		}
	}
	if d.encoding, err = newEncoding(ctx, d); err != nil {
		return err
	}
	if d.learning, err = newLearning(d); err != nil {
		return err
	}
	return run(d)
}

// openWords opens the keyword index. One that is ahead of the catalogue, as
// after a restored backup or a power cut, is made anew, and so is one with other
// place names than those of the sum or of another language.
func openWords(ctx context.Context, c *catalogue.Catalogue, folder, sum, language string, log *slog.Logger) (*keyword.Index, error) {
	if err := matchPlaces(folder, sum, log); err != nil {
		return nil, err
	}
	words, err := keyword.Open(folder, keyword.Language(language))
	if err != nil {
		return nil, err
	}
	if err := words.Rebuilt(); err != nil {
		log.Warn("the keyword index is made anew from the catalogue", "reason", err)
	}
	seen, err := words.Change()
	newest, changeErr := c.Change(ctx)
	if err = errors.Join(err, changeErr); err != nil {
		return nil, errors.Join(err, words.Close())
	}
	if seen <= newest {
		return words, nil
	}
	log.Warn("the keyword index is ahead of the catalogue and is made anew", "index", seen, "catalogue", newest)
	// The words follow at all times: the vectors, of which some may be closed for
	// long, are of the catalogue that was lost too.
	vectors := filepath.Join(filepath.Dir(folder), "vectors")
	if err := errors.Join(words.Close(), os.RemoveAll(folder), os.RemoveAll(vectors), matchPlaces(folder, sum, log)); err != nil {
		return nil, err
	}
	return keyword.Open(folder, keyword.Language(language))
}

// serve runs the parts side by side; the end of one ends all.
func (d *daemon) serve(ctx context.Context, listener net.Listener) error {
	if err := d.configureFolders(ctx, d.Config.Folders); err != nil {
		return err
	}
	watched, err := d.catalogue.Folders(ctx)
	if err != nil {
		return err
	}
	if len(watched) == 0 {
		d.Log.Warn("no folder is watched: add one with `vsectl folder add FOLDER`")
	}
	defer context.AfterFunc(ctx, func() {
		if err := d.Systemd.Stopping(); err != nil {
			d.Log.Error("systemd cannot be told of the end", "error", err)
		}
	})()
	group, ctx := errgroup.WithContext(ctx)
	api := server.New(d, d, d, d, d.Log)
	group.Go(func() error { return api.Serve(ctx, listener) })
	group.Go(func() error { return d.engine.Follow(ctx) })
	group.Go(func() error { return d.keeper.Run(ctx) })
	group.Go(func() error { return d.encoding.run(ctx) })
	group.Go(func() error { return d.learning.Run(ctx) })
	group.Go(func() error { return d.report(ctx) })
	group.Go(func() error { return d.restful(ctx) })
	group.Go(func() error { return d.purge(ctx) })
	group.Go(func() error { return d.writeSidecars(ctx) })
	group.Go(func() error { return d.reload(ctx) })
	return group.Wait()
}

// configureFolders watches the folders of the configuration. One that is not
// there is watched all the same: it may be a disk that comes later. One that
// cannot be watched is told, and the others are.
func (d *daemon) configureFolders(ctx context.Context, paths []string) error {
	var safe []string
	for _, path := range paths {
		if err := apart(ctx, d.Config.State, path); err != nil {
			d.Log.Error("a folder of the configuration is not watched", "error", err)
			continue
		}
		safe = append(safe, path)
	}
	apart, shared, err := d.distinct(ctx, safe)
	if err != nil {
		return err
	}
	refused, err := d.catalogue.ConfigureFolders(ctx, apart)
	for _, problem := range append(shared, refused...) {
		d.Log.Error("a folder of the configuration is not watched", "error", problem)
	}
	return err
}

// reload takes the folders and the log's level from the configuration anew
// when asked to; everything else needs a restart.
func (d *daemon) reload(ctx context.Context) error {
	for {
		select {
		case <-d.Reload:
		case <-ctx.Done():
			return nil
		}
		settings, err := d.ReadConfig()
		if err == nil {
			err = d.configureFolders(ctx, settings.Folders)
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the configuration is not taken; the one before stands", "error", err)
			continue
		}
		d.Log.Info("the folders and the log level of the configuration were taken; the rest needs a restart")
	}
}

// keepMissing is how long a deleted photo keeps its tags.
const keepMissing = 30 * 24 * time.Hour

// purge forgets each hour what has been missing for long: a daemon may not run a
// day at a stretch.
func (d *daemon) purge(ctx context.Context) error {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case <-hourly.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		if err := d.catalogue.Purge(ctx, now.Add(-keepMissing), now.Add(-24*time.Hour)); err != nil && ctx.Err() == nil {
			d.Log.Error("missing files cannot be forgotten", "error", err)
		}
	}
}

// restful gives memory back to the system each time that the daemon comes to
// rest: what an ingest left behind would stay for minutes on a box that needs it.
func (d *daemon) restful(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for busy := true; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		rests, err := d.rests(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("the catalogue cannot be asked", "error", err)
		}
		if rests && busy {
			debug.FreeOSMemory()
		}
		busy = !rests
	}
}

func (d *daemon) rests(ctx context.Context) (bool, error) {
	pipeline := d.encoding.pipeline.Load()
	if pipeline == nil || !pipeline.Idle() {
		return false, nil
	}
	return d.engine.CaughtUp(ctx)
}

// report tells systemd: ready once the API answers, then a line of status, and
// that the daemon is alive for as long as its catalogue can be asked.
func (d *daemon) report(ctx context.Context) error {
	if err := d.Systemd.Ready(); err != nil {
		return err
	}
	d.Log.Info("ready", "socket", d.Config.Socket, "state", d.Config.State, "version", d.Version)
	interval := 5 * time.Second
	if watchdog := d.Systemd.Watchdog(); watchdog > 0 {
		interval = min(interval, watchdog/2)
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := d.reportOnce(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("the state cannot be reported to systemd", "error", err)
		}
	}
}

func (d *daemon) reportOnce(ctx context.Context) error {
	status, err := d.Status(ctx)
	if err != nil {
		return err
	}
	line, err := d.line(ctx, status)
	if err != nil {
		return err
	}
	return errors.Join(d.Systemd.Status(line), d.Systemd.Alive())
}

// closing joins what close says to the function's error.
func closing(err *error, close func() error) { *err = errors.Join(*err, close()) }

// besides gives the path of a program in the daemon's own folder.
func besides(name string) (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the folder of this program: %w", err)
	}
	if executable, err = filepath.EvalSymlinks(executable); err != nil {
		return "", fmt.Errorf("find the folder of this program: %w", err)
	}
	return filepath.Join(filepath.Dir(executable), name), nil
}
