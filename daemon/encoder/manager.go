// Package encoder is the life of encoders in the daemon: which are installed,
// which one serves, and the swap from one to another while search goes on. What
// a photo goes through on its way to a vector is ingest's, what a query asks is
// search's, and how a plugin is started is the plugin host's.
package encoder

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/ingest"
	"vsed/daemon/search"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// retryPause is the wait before an encoder that does not work is tried again,
	// doubled by each further failure up to longestPause: a trial takes seconds of
	// all cores.
	retryPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	// A swap looks whether it is done between these pauses. A look counts all files,
	// and takes no more of the time than one part in lookShare.
	leastLookPause = 100 * time.Millisecond
	mostLookPause  = 5 * time.Second
	lookShare      = 20
	// indexInterval is the same where nothing but the index is behind, which it is
	// for moments.
	indexInterval = 20 * time.Millisecond
)

// Parts is what a manager works with.
type Parts struct {
	Catalogue *catalogue.Catalogue
	Engine    *search.Engine
	Shelf     Shelf
	State     string // state folder; the indexes are in it
	Policy    host.Policy
	Keep      int    // earlier encoders whose vectors are kept for a roll-back
	Memory    uint64 // bytes that encoders may take together; 0: any
	// Ingest encodes for the targets until its context ends.
	Ingest func(ctx context.Context, targets []ingest.Target) error
	Log    *slog.Logger
}

// A Manager runs the encoder that serves, and during a swap the incoming one.
// Its methods may be called by any number of goroutines; Run by one.
type Manager struct {
	Parts
	woken   chan struct{} // holds a token after a command
	trial   chan struct{} // holds a token while an encoder is on trial: one at a time
	writing sync.Mutex    // held while a changed state is written
	spaces  sync.RWMutex  // held for reading while a space is looked up and used, for writing while one is deleted

	// Run's own.
	indexes     map[string]*openIndex // by space
	followed    map[string]bool       // spaces whose index was open in this run
	ingest      ingesting
	preparation preparing
	indexing    bool          // only the incoming index is behind
	looked      time.Duration // how long the last look took

	// Written with the mutex held; all but state by Run only.
	mutex    sync.Mutex
	state    state
	serving  *running
	incoming *running
	prepared Preparation // the last one, or the one under way
	problem  string      // why nothing serves, or why the swap does not go on
}

// New makes a manager with the state that the catalogue holds. It starts nothing
// before Run.
func New(ctx context.Context, parts Parts) (*Manager, error) {
	found, err := load(ctx, parts.Catalogue)
	return &Manager{
		Parts: parts, state: found,
		woken: make(chan struct{}, 1), trial: make(chan struct{}, 1),
		indexes: make(map[string]*openIndex), followed: make(map[string]bool), ingest: ingesting{run: parts.Ingest},
		preparation: preparing{tried: make(map[string]bool)},
	}, err
}

// Run starts the encoder that served last, as often as it takes, and carries out
// what is asked for, until the context ends.
func (m *Manager) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, m.closeAll()) }()
	if err := m.Shelf.clearPartial(); err != nil {
		return err
	}
	failures := 0
	for {
		failure := m.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failure == nil {
			failures = 0
		} else {
			failures++
		}
		pause := m.pause(failures)
		m.tell(failure, pause)
		again := time.NewTimer(pause)
		m.wait(ctx, again.C)
		again.Stop()
	}
}

// pause gives how long nothing is to be done unless something happens.
func (m *Manager) pause(failures int) time.Duration {
	switch {
	case failures > 0:
		return min(retryPause<<min(failures-1, 10), longestPause)
	case m.indexing:
		return indexInterval
	case m.plan() != nil:
		return min(max(leastLookPause, lookShare*m.looked), mostLookPause)
	}
	return time.Hour
}

// wait returns when there may be something to be done.
func (m *Manager) wait(ctx context.Context, again <-chan time.Time) {
	select {
	case <-again:
	case <-m.woken:
	case err := <-m.ingest.ended:
		m.ingest.over()
		m.rest(ctx, err)
	case err := <-m.preparation.ended:
		m.afterPreparation(ctx, err)
	case err := <-m.incomingChecked():
		m.incoming.afterCheck(err)
	case <-ctx.Done():
	}
}

func (m *Manager) incomingChecked() <-chan error {
	if m.incoming == nil {
		return nil
	}
	return m.incoming.checked
}

// rest waits after ingest ended by itself.
func (m *Manager) rest(ctx context.Context, failure error) {
	if ctx.Err() != nil {
		return
	}
	m.Log.Error("photos are not encoded; trying again", "error", failure, "pause", retryPause)
	select {
	case <-time.After(retryPause):
	case <-ctx.Done():
	}
}

// tell notes a failure for the status, and logs it once.
func (m *Manager) tell(failure error, pause time.Duration) {
	line := ""
	if failure != nil {
		line = failure.Error()
	}
	m.mutex.Lock()
	said := m.problem
	m.problem = line
	m.mutex.Unlock()
	if line != "" && line != said {
		m.Log.Error("an encoder does not work; trying again", "error", failure, "pause", pause)
	}
}

// step does what is next to be done.
func (m *Manager) step(ctx context.Context) error {
	m.indexing = false
	if m.serving == nil {
		if err := m.serveAgain(ctx); err != nil {
			return err
		}
	}
	next := m.plan()
	if m.incoming != nil && (next == nil || !next.Started.Equal(m.incoming.since)) {
		if err := m.drop(ctx); err != nil {
			return err
		}
	}
	if err := m.sweep(ctx); err != nil {
		return err
	}
	var err error
	if next == nil {
		err = m.retarget(ctx, nil)
	} else {
		err = m.advance(ctx, *next)
	}
	m.prepare(ctx)
	return err
}

// serveAgain starts the encoder that served last. One that is installed no longer
// gives way to one that has vectors, else to the default.
func (m *Manager) serveAgain(ctx context.Context) error {
	installed, err := m.lastServed()
	if err != nil {
		return err
	}
	r, err := m.start(ctx, installed)
	if err != nil {
		return err
	}
	if before := m.asBefore(ctx, r); before != nil {
		space := r.about.GetSpace()
		err := errors.Join(m.end(r), m.serveAsBefore(ctx, before, space))
		if err != nil && m.serving != before {
			err = errors.Join(err, m.end(before))
		}
		return err
	}
	err = m.serve(ctx, r, func(s *state) error {
		s.serve(r.served(), false, m.Keep)
		return nil
	})
	if err != nil && m.serving != r {
		err = errors.Join(err, m.end(r))
	}
	return err
}

func (m *Manager) lastServed() (Installed, error) {
	found := m.copyState()
	if found.Serving.Name == "" {
		return m.Shelf.Default, nil
	}
	var unknown *UnknownError
	for _, one := range slices.Insert(found.Earlier, 0, found.Serving) {
		installed, err := m.Shelf.Find(one.Name)
		if !errors.As(err, &unknown) {
			return installed, err
		}
		m.Log.Error("an encoder that served is not installed any more", "name", one.Name)
	}
	return m.Shelf.Default, nil
}

// serve makes a running encoder the one that serves, in one step for what is
// stored and in one for queries, unless edit refuses.
func (m *Manager) serve(ctx context.Context, r *running, edit func(*state) error) error {
	err := m.changeWith(ctx, edit, func(ctx context.Context, text string) error {
		return m.Catalogue.Serve(ctx, r.space, catalogue.Setting{Name: stateSetting, Value: text})
	})
	if err != nil {
		return err
	}
	before := m.serving
	m.Engine.Serve(r.generation())
	m.mutex.Lock()
	m.serving = r
	if m.incoming == r {
		m.incoming = nil
	}
	m.mutex.Unlock()
	m.Log.Info("the encoder serves", "name", r.Name, "space", r.about.GetSpace(), "provider", r.about.GetProvider())
	err = m.retarget(ctx, nil)
	if before != nil {
		err = errors.Join(err, m.end(before))
	}
	m.keepDefault(r)
	return errors.Join(err, m.sweep(ctx))
}

// sweep deletes vectors that are kept no longer.
func (m *Manager) sweep(ctx context.Context) error {
	for _, space := range m.copyState().Doomed {
		if m.indexes[space] != nil {
			continue // until the encoder that fills it is dropped
		}
		err := m.change(ctx, func(s *state) error {
			if !slices.Contains(s.Doomed, space) {
				return nil // it is used again
			}
			s.Doomed = slices.DeleteFunc(s.Doomed, func(one string) bool { return one == space })
			return m.removeSpace(ctx, space)
		})
		if err != nil {
			return err
		}
		m.Log.Info("the vectors of an encoder were deleted", "space", space)
	}
	return nil
}

// retarget makes ingest encode for those that the plan names, and returns when
// it no longer encodes for others.
func (m *Manager) retarget(ctx context.Context, p *plan) error {
	var next []ingest.Target
	if m.serving != nil {
		next = append(next, m.serving.target(true))
	}
	if m.incoming != nil && !m.incoming.down && p != nil && !p.Paused && !p.Back {
		if m.tight() {
			next = nil // its share is encoded when it serves again
		}
		next = append(next, m.incoming.target(false))
	}
	return m.ingest.aim(ctx, next)
}

// tight reports whether the two encoders do not fit into the memory together.
func (m *Manager) tight() bool {
	return m.Memory > 0 && m.incoming != nil && m.serving != nil && m.serving.memory()+m.incoming.memory() > m.Memory
}

// Serving is the name of the encoder that serves, or did before a restart; ""
// where none ever did.
func (m *Manager) Serving() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.state.Serving.Name
}

// Before is the name of the encoder that a roll-back brings back; "" where none is kept.
func (m *Manager) Before() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.state.Returns || len(m.state.Earlier) == 0 {
		return ""
	}
	return m.state.Earlier[0].Name
}

// About describes the encoder that serves; nil while none does.
func (m *Manager) About() *contract.EncoderDescription {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.serving == nil {
		return nil
	}
	return m.serving.about
}

// Problem says in one line why no encoder serves, or why the swap does not go
// on; empty where all is well.
func (m *Manager) Problem() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, one := range []*running{m.serving, m.incoming} {
		if m.problem == "" && one != nil && one.host.Problem() != "" {
			return one.host.Problem()
		}
	}
	return m.problem
}

func (m *Manager) plan() *plan { return m.copyState().Swap }

func (m *Manager) copyState() state {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.state.clone()
}

// drop ends the incoming encoder after ingest has left it.
func (m *Manager) drop(ctx context.Context) error {
	r := m.incoming
	m.mutex.Lock()
	m.incoming = nil
	m.mutex.Unlock()
	return errors.Join(m.retarget(ctx, nil), m.end(r))
}

// closeAll ends everything that Run started; its context has ended. Queries that
// are under way fail before the index under them is closed.
func (m *Manager) closeAll() error {
	m.preparation.stop()
	err := m.ingest.stop()
	var all []*running
	for _, r := range []*running{m.serving, m.incoming} {
		if r != nil {
			err = errors.Join(err, r.host.Close())
			all = append(all, r)
		}
	}
	m.Engine.Serve(nil)
	for _, r := range all {
		err = errors.Join(err, m.leaveIndex(r.about.GetSpace()))
	}
	return err
}

func (m *Manager) wake() {
	select {
	case m.woken <- struct{}{}:
	default:
	}
}
