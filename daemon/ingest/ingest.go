// Package ingest takes files that wait in the catalogue through the plugins:
// decode, identify, encode, store; or makes vectors from stored features, without
// a photo. Its queues are bounded; the catalogue is the
// only memory of what is left to do, so that a kill at any moment loses nothing
// but time. It does not look for files (package watch) and does not start
// plugins (package host).
package ingest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/daemon/thumbnail"
	"vsed/plugins/host"
)

const (
	// maxAttempts is how often a file may bring a plugin down before it is set
	// aside: a plugin may also end for a reason of its own.
	maxAttempts = 3
	// forbiddenPause is how soon a file that may not be read is tried again.
	forbiddenPause = 15 * time.Minute
	// retryInterval is how often the quarantine is looked through, and photos
	// are looked for that lack nothing but their vector.
	retryInterval = 5 * time.Minute
	// pausePlugin is the wait before a plugin that cannot be started is asked
	// again, and pauseCatalogue that before the catalogue is written again, as
	// after a full disk.
	pausePlugin    = 2 * time.Second
	pauseCatalogue = 5 * time.Second
	// pauseFolder is the wait before files of a folder are tried again that cannot
	// be read; its keeper finds out meanwhile, and those of others go on.
	pauseFolder = 5 * time.Second
	feedPage    = 256
)

// A Pipeline encodes waiting files until its context ends. It has one Run. Other
// targets need another pipeline: what is under way then is fed to that again.
type Pipeline struct {
	catalogue  *catalogue.Catalogue
	folders    *folders.Keeper
	decoders   []*host.DecoderHost
	targets    []*target
	thumbnails *thumbnail.Store // nil: none are made
	log        *slog.Logger

	underway sync.Mutex
	flying   map[int64]int      // vectors that files between feed and store still need
	landed   chan struct{}      // holds a token after a file landed
	resting  map[disk]struct{}  // those that cannot be read
	later    map[int64]struct{} // files that are not to be tried before the next look at the quarantine

	unencoded atomic.Bool            // decoded photos without a vector may be left over
	trouble   atomic.Pointer[string] // why ingest pauses; nil where it does not
}

// Parts is what a pipeline works with. The caller keeps and closes them, after
// Run.
type Parts struct {
	Catalogue  *catalogue.Catalogue
	Folders    *folders.Keeper     // opens the files
	Decoders   []*host.DecoderHost // one photo in flight each
	Targets    []Target            // at least one
	Thumbnails *thumbnail.Store    // nil: none are made
	Log        *slog.Logger
}

// New makes a pipeline into the targets.
func New(parts Parts) *Pipeline {
	p := &Pipeline{
		catalogue: parts.Catalogue, folders: parts.Folders, decoders: parts.Decoders, thumbnails: parts.Thumbnails, log: parts.Log,
		flying:  make(map[int64]int),
		resting: make(map[disk]struct{}),
		later:   make(map[int64]struct{}),
		landed:  make(chan struct{}, 1),
	}
	for _, one := range parts.Targets {
		into := &target{Target: one, decoded: make(chan picture, 2*max(1, one.Description.Batch))}
		into.projecting.Store(one.Description.GetFeatureSpace() != "")
		p.targets = append(p.targets, into)
	}
	p.unencoded.Store(true)
	return p
}

// Problem says in one line why ingest pauses; empty where it does not.
func (p *Pipeline) Problem() string {
	if line := p.trouble.Load(); line != nil {
		return *line
	}
	return ""
}

// DecoderProblem says in one line why a decoder does not run now; empty where
// all do.
func (p *Pipeline) DecoderProblem() string {
	for _, decoder := range p.decoders {
		if problem := decoder.Problem(); problem != "" {
			return problem
		}
	}
	return ""
}

// Rate gives photos encoded a second, over the last ten seconds, by the last
// target: the one that has the most to do.
func (p *Pipeline) Rate() float64 { return p.targets[len(p.targets)-1].rate.perSecond(time.Now()) }

// Run encodes what waits, and whatever comes to wait, until the context ends.
func (p *Pipeline) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	files := make(chan job)
	group.Go(func() error { return p.feed(ctx, files) })
	for _, decoder := range p.decoders {
		group.Go(func() error { return p.decode(ctx, decoder, files) })
	}
	for _, into := range p.targets {
		group.Go(func() error { return p.encode(ctx, into) })
		if into.projecting.Load() {
			group.Go(func() error { return p.project(ctx, into) })
		}
	}
	group.Go(func() error { return p.watchFolders(ctx) })
	group.Go(func() error { return p.readSidecars(ctx, p.decoders[0]) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// feed hands out waiting files, each once at a time, and takes files out of
// quarantine when their time has come.
func (p *Pipeline) feed(ctx context.Context, files chan<- job) error {
	retry := time.NewTicker(retryInterval)
	defer retry.Stop()
	for {
		changed := p.catalogue.Wait()
		fed, err := p.feedAll(ctx, files)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.log.Error("waiting files cannot be read; trying again", "error", err, "pause", pauseCatalogue)
			if err := pause(ctx, pauseCatalogue); err != nil {
				return err
			}
			continue
		}
		if fed > 0 {
			continue
		}
		select {
		case <-changed:
		case <-p.landed:
		case <-retry.C:
			p.forgiveLate()
			if _, err := p.catalogue.RetryDue(ctx, time.Now()); err != nil && ctx.Err() == nil {
				p.log.Error("the quarantine cannot be looked through", "error", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchFolders looks for photos whose vectors were due while their folder was
// away.
func (p *Pipeline) watchFolders(ctx context.Context) error {
	seen, err := p.catalogue.Change(ctx)
	if err != nil {
		return err
	}
	for {
		changed := p.catalogue.Wait()
		online, newest, err := p.catalogue.FoldersOnline(ctx, seen)
		if err != nil && ctx.Err() == nil {
			p.log.Error("events cannot be read", "error", err)
		}
		if err == nil {
			seen = newest
		}
		if online {
			p.unencoded.Store(true)
			p.wake()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake makes feed look again.
func (p *Pipeline) wake() {
	select {
	case p.landed <- struct{}{}:
	default:
	}
}

// feedAll hands out the photos that lack a vector first, since they are few
// after a start; in the order of the targets, so that what the encoder that
// serves lacks comes before what another one does. What can be made from stored
// features is none of it.
func (p *Pipeline) feedAll(ctx context.Context, files chan<- job) (fed int, err error) {
	if p.unencoded.Swap(false) {
		for _, into := range p.targets {
			if into.projecting.Load() {
				continue // its end has feed look again
			}
			some, err := p.feedPages(ctx, into.Space.Unencoded, p.only(into), files)
			if fed += some; err != nil {
				p.unencoded.Store(true)
				return fed, err
			}
		}
	}
	more, err := p.feedPages(ctx, p.catalogue.Undecoded, p.targets, files)
	return fed + more, err
}

// only gives the targets for photos that one is known to lack. What the first
// lacks, the others may lack too.
func (p *Pipeline) only(lacks *target) []*target {
	if lacks == p.targets[0] {
		return p.targets
	}
	return []*target{lacks}
}

type pages func(ctx context.Context, after *catalogue.WaitingFile, limit int) ([]catalogue.WaitingFile, error)

func (p *Pipeline) feedPages(ctx context.Context, read pages, into []*target, files chan<- job) (fed int, err error) {
	var after *catalogue.WaitingFile
	for {
		page, err := read(ctx, after, feedPage)
		if err != nil || len(page) == 0 {
			return fed, err
		}
		after = &page[len(page)-1]
		for _, file := range page {
			if !p.takeOff(file) {
				continue
			}
			select {
			case files <- job{WaitingFile: file, into: into}:
				fed++
			case <-ctx.Done():
				return fed, ctx.Err()
			}
		}
	}
}

// forgiveLate has every photo without a vector looked for again.
func (p *Pipeline) forgiveLate() {
	p.underway.Lock()
	defer p.underway.Unlock()
	clear(p.later)
	p.unencoded.Store(true)
}

// A disk is a device that files of a folder lie on.
type disk struct {
	folder int64
	device uint64
}

func diskOf(file catalogue.WaitingFile) disk { return disk{file.FolderID, file.Stat.Device} }

// takeOff reports whether the file was not under way yet, and neither it nor its
// disk rests; now it is.
func (p *Pipeline) takeOff(file catalogue.WaitingFile) bool {
	p.underway.Lock()
	defer p.underway.Unlock()
	_, rests := p.resting[diskOf(file)]
	if _, late := p.later[file.ID]; late || rests || p.flying[file.ID] > 0 {
		return false
	}
	p.flying[file.ID] = 1
	return true
}

// rests reports whether the files of a disk are kept waiting.
func (p *Pipeline) rests(one disk) bool {
	p.underway.Lock()
	defer p.underway.Unlock()
	_, rests := p.resting[one]
	return rests
}

// rest keeps the files of a disk waiting for a while.
func (p *Pipeline) rest(one disk) {
	p.underway.Lock()
	defer p.underway.Unlock()
	p.resting[one] = struct{}{}
	time.AfterFunc(pauseFolder, func() {
		p.underway.Lock()
		delete(p.resting, one)
		p.underway.Unlock()
		p.wake()
	})
}

// Idle reports whether nothing is under way: all files that were handed out are
// stored and announced, set aside or back in the queue, and so is what was to be
// made from stored features.
func (p *Pipeline) Idle() bool {
	return p.inFlight() == 0 && !slices.ContainsFunc(p.targets, func(into *target) bool { return into.projecting.Load() })
}

// inFlight is the number of files that were handed out and have not landed.
func (p *Pipeline) inFlight() int {
	p.underway.Lock()
	defer p.underway.Unlock()
	return len(p.flying)
}

// fork says how many vectors a file needs, each of which lands on its own.
func (p *Pipeline) fork(file int64, vectors int) {
	p.underway.Lock()
	defer p.underway.Unlock()
	p.flying[file] = vectors
}

// land ends the way of a file towards one vector, whatever came of it.
func (p *Pipeline) land(file int64) {
	p.underway.Lock()
	if p.flying[file]--; p.flying[file] <= 0 {
		delete(p.flying, file)
	}
	p.underway.Unlock()
	p.wake()
}

func pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
