// Package encoder is the life of encoders in the daemon: which are installed,
// which one serves, and the swap from one to another while search goes on. What
// a photo goes through on its way to a vector is ingest's, what a query asks is
// search's, and how a plugin is started is the plugin host's.
package encoder

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/ingest"
	"vsed/daemon/search"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// retryPause is the wait before an encoder that does not work is tried again.
	retryPause = 5 * time.Second
	// lookInterval is how often a swap looks whether it is done: a look counts all
	// files.
	lookInterval = time.Second
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
	woken chan struct{} // holds a token after a command

	// Run's own.
	indexes map[string]*openIndex // by space
	ingest  ingesting

	// Written by Run with the mutex held.
	mutex    sync.Mutex
	state    state // written by commands too
	serving  *running
	incoming *running
	problem  string // why nothing serves, or why the swap does not go on
}

// New makes a manager, which starts nothing before Run.
func New(parts Parts) *Manager {
	return &Manager{Parts: parts, woken: make(chan struct{}, 1), indexes: make(map[string]*openIndex), ingest: ingesting{run: parts.Ingest}}
}

// Run starts the encoder that served last, as often as it takes, and carries out
// what is asked for, until the context ends.
func (m *Manager) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, m.closeAll()) }()
	if err := errors.Join(m.load(ctx), m.Shelf.clearPartial()); err != nil {
		return err
	}
	for {
		failure := m.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		m.tell(failure)
		var again <-chan time.Time
		switch {
		case failure != nil:
			again = time.After(retryPause)
		case m.plan() != nil:
			again = time.After(lookInterval)
		}
		select {
		case <-again:
		case <-m.woken:
		case err := <-m.ingest.ended:
			m.ingest.ended = nil
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// tell notes a failure for the status, and logs it once.
func (m *Manager) tell(failure error) {
	line := ""
	if failure != nil {
		line = failure.Error()
	}
	m.mutex.Lock()
	said := m.problem
	m.problem = line
	m.mutex.Unlock()
	if line != "" && line != said {
		m.Log.Error("an encoder does not work; trying again", "error", failure, "pause", retryPause)
	}
}

// step does what is next to be done.
func (m *Manager) step(ctx context.Context) error {
	if m.serving == nil {
		if err := m.serveAgain(ctx); err != nil {
			return err
		}
	}
	plan := m.plan()
	if m.incoming != nil && (plan == nil || plan.To != m.incoming.Name) {
		if err := m.drop(ctx, &m.incoming); err != nil {
			return err
		}
	}
	if plan == nil {
		return m.retarget(ctx, nil)
	}
	return m.advance(ctx, *plan)
}

// serveAgain starts the encoder that served last. One that is installed no longer
// gives way to the default.
func (m *Manager) serveAgain(ctx context.Context) error {
	name := m.Serving()
	if name == "" {
		name = Default
	}
	installed, err := m.Shelf.Find(name)
	var unknown *UnknownError
	if errors.As(err, &unknown) {
		m.Log.Error("the encoder that served is not installed any more; the default takes its place", "name", name)
		installed, err = m.Shelf.Default, nil
	}
	if err != nil {
		return err
	}
	r, err := m.start(ctx, installed)
	if err != nil {
		return err
	}
	return m.serve(ctx, r, nil, false)
}

// serve makes a running encoder the one that serves, in one step for what is
// stored and in one for queries. last tells of the swap that this ends; nil after
// a start.
func (m *Manager) serve(ctx context.Context, r *running, last *Report, back bool) error {
	next := m.copyState()
	forgotten := next.serve(r.served(), back, m.Keep)
	if last != nil {
		next.Last, next.Swap = last, nil
	}
	if err := m.Catalogue.Serve(ctx, r.space, catalogue.Setting{Name: stateSetting, Value: next.text()}); err != nil {
		return err
	}
	m.Engine.Serve(r.generation())
	m.mutex.Lock()
	before := m.serving
	m.state, m.serving = next, r
	if m.incoming == r {
		m.incoming = nil
	}
	m.mutex.Unlock()
	m.Log.Info("the encoder serves", "name", r.Name, "space", r.about.GetSpace(), "provider", r.about.GetProvider())
	if err := m.retarget(ctx, nil); err != nil {
		return err
	}
	if before != nil {
		if err := m.end(before); err != nil {
			m.Log.Warn("the encoder before does not end cleanly", "error", err)
		}
	}
	return m.forget(ctx, forgotten)
}

// forget deletes vectors that are kept no longer.
func (m *Manager) forget(ctx context.Context, forgotten []served) error {
	for _, one := range forgotten {
		if err := m.removeSpace(ctx, one.Space); err != nil {
			return err
		}
		m.Log.Info("the vectors of an earlier encoder were deleted", "name", one.Name, "space", one.Space)
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
	if m.incoming != nil && p != nil && !p.Paused && !p.Back {
		if m.tight() {
			next = nil // its share is encoded when it serves again
		}
		next = append(next, m.incoming.target(false))
	}
	return m.ingest.aim(ctx, next)
}

// tight reports whether the two encoders do not fit into the memory together.
func (m *Manager) tight() bool {
	return m.Memory > 0 && m.serving.memory()+m.incoming.memory() > m.Memory
}

// Serving is the name of the encoder that serves, or did before a restart; ""
// where none ever did.
func (m *Manager) Serving() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.state.Serving.Name
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
	if m.problem == "" && m.serving != nil {
		return m.serving.host.Problem()
	}
	return m.problem
}

func (m *Manager) plan() *plan { return m.copyState().Swap }

func (m *Manager) copyState() state {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.state.clone()
}

// drop ends a running encoder after ingest has left it.
func (m *Manager) drop(ctx context.Context, which **running) error {
	m.mutex.Lock()
	r := *which
	*which = nil
	m.mutex.Unlock()
	if r == nil {
		return nil
	}
	return errors.Join(m.retarget(ctx, nil), m.end(r))
}

// closeAll ends everything that Run started; its context has ended.
func (m *Manager) closeAll() error {
	err := m.ingest.stop()
	for _, which := range []**running{&m.incoming, &m.serving} {
		if *which != nil {
			err = errors.Join(err, m.end(*which))
		}
	}
	return err
}

func (m *Manager) wake() {
	select {
	case m.woken <- struct{}{}:
	default:
	}
}
