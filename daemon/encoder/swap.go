package encoder

import (
	"context"
	"errors"
	"time"

	"vsed/daemon/catalogue"
	"vsed/plugins/host"
	"vsed/plugins/selftest"
)

// advance brings a swap forward, up to its end.
func (m *Manager) advance(ctx context.Context, p plan) error {
	if m.incoming == nil {
		if err := m.begin(ctx, p); err != nil || m.incoming == nil {
			return err
		}
	}
	m.incoming.rest(ctx)
	if err := m.retarget(ctx, &p); err != nil {
		return err
	}
	if m.incoming.down {
		return nil // its host says why
	}
	if err := m.lean(ctx, p); err != nil {
		return err
	}
	if p.Back { // whatever there is will do: do not count all files before each look at the index
		if ready, err := m.caughtUp(ctx); err != nil || !ready {
			return err
		}
	}
	began := time.Now()
	covers, err := m.coverage(ctx, m.incoming.space)
	m.looked = time.Since(began)
	if err != nil || !p.done(covers) {
		return err
	}
	if ready, err := m.caughtUp(ctx); err != nil || !ready {
		return err
	}
	return m.cutOver(ctx, p, covers)
}

// caughtUp reports whether the incoming index holds what the catalogue does, and
// has Run look again soon where it does not.
func (m *Manager) caughtUp(ctx context.Context) (bool, error) {
	ready, err := m.incoming.index.CaughtUp(ctx)
	m.indexing = err == nil && !ready
	return ready, err
}

// errGaveWay says that the swap was given up or changed meanwhile.
var errGaveWay = errors.New("the swap was changed")

// cutOver ends a swap, unless a command came in between.
func (m *Manager) cutOver(ctx context.Context, p plan, covers Covers) error {
	incoming := m.incoming
	err := m.serve(ctx, incoming, func(s *state) error {
		if s.Swap == nil || *s.Swap != p {
			return errGaveWay
		}
		s.Last = &Report{From: s.Serving.Name, To: p.To, Back: p.Back, At: time.Now(), Covers: covers}
		s.serve(incoming.served(), p.Back, m.Keep)
		s.Swap = nil
		return nil
	})
	if errors.Is(err, errGaveWay) {
		m.wake()
		return nil
	}
	return err
}

// done reports whether the incoming encoder can take its place.
func (p plan) done(covers Covers) bool {
	switch {
	case p.Back:
		return true
	case p.Paused:
		return false
	}
	return covers.Coverage.Waiting == 0 && (covers.Coverage.Offline == 0 || p.Now)
}

// begin starts the incoming encoder. One that is not installed any more, or
// does not pass the self-test any more, ends the swap; any other failure is tried
// again.
func (m *Manager) begin(ctx context.Context, p plan) error {
	installed, err := m.Shelf.Find(p.To)
	var r *running
	if err == nil {
		m.thin(ctx)
		r, err = m.start(ctx, installed)
	}
	var unknown *UnknownError
	if errors.As(err, &unknown) || failedForGood(err) {
		return m.giveUp(ctx, p, err)
	}
	if err != nil {
		return err
	}
	r.since = p.Started
	if space := r.about.GetSpace(); space != p.Space {
		if err := m.moved(ctx, p, space); err != nil {
			return errors.Join(err, m.end(r))
		}
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.incoming = r
	return nil
}

// failedForGood reports whether a self-test gave a verdict, rather than an
// encoder that did not start.
func failedForGood(err error) bool {
	var failure *selftest.Failure
	var unavailable *host.UnavailableError
	return errors.As(err, &failure) && !errors.As(err, &unavailable)
}

// giveUp ends a swap without its aim.
func (m *Manager) giveUp(ctx context.Context, p plan, failure error) error {
	m.Log.Error("the swap ends: the encoder cannot be used", "name", p.To, "error", failure)
	return m.change(ctx, func(s *state) error {
		if s.Swap == nil || !s.Swap.Started.Equal(p.Started) {
			return nil
		}
		s.Last = &Report{From: s.Serving.Name, To: p.To, Back: p.Back, At: time.Now(), Failed: failure.Error()}
		s.cancel()
		return nil
	})
}

// moved notes that the incoming encoder has another space than it had when the
// swap was asked for: its vectors are yet to be made, also for a roll-back.
func (m *Manager) moved(ctx context.Context, p plan, space string) error {
	m.Log.Warn("the encoder has another space than it had; the library is encoded for it", "name", p.To, "space", space, "before", p.Space)
	err := m.change(ctx, func(s *state) error {
		if s.Swap == nil || !s.Swap.Started.Equal(p.Started) {
			return nil
		}
		p := *s.Swap
		p.Space, p.Back = space, false
		s.begin(p)
		return nil
	})
	m.wake()
	return err
}

// thin frees what the encoder that serves needs for pictures only, where memory
// is bounded and another encoder is about to be loaded.
func (m *Manager) thin(ctx context.Context) {
	m.mutex.Lock()
	serving := m.serving
	m.mutex.Unlock()
	if m.Memory == 0 || serving == nil {
		return
	}
	if err := serving.host.Unload(ctx); err != nil {
		m.Log.Debug("the encoder that serves frees no memory", "error", err)
	}
}

// lean keeps only sentences with the encoder that serves where memory is short.
func (m *Manager) lean(ctx context.Context, p plan) error {
	if p.Paused || p.Back || !m.tight() {
		return nil
	}
	return m.serving.host.Unload(ctx)
}

func (m *Manager) coverage(ctx context.Context, space *catalogue.Space) (sum Covers, err error) {
	by, err := space.Coverage(ctx)
	if err != nil {
		return sum, err
	}
	folders, err := m.Catalogue.Folders(ctx)
	if err != nil {
		return sum, err
	}
	for _, folder := range folders {
		one := by[folder.ID]
		sum.Coverage.Add(one)
		if one.Offline > 0 {
			sum.Offline = append(sum.Offline, folder.Path)
		}
	}
	return sum, nil
}

// Stages of a swap.
const (
	StageNone     = "none"
	StageTesting  = "testing"
	StageEncoding = "encoding"
	StagePaused   = "paused"
	StageOffline  = "waiting for folders" // everything that is online is encoded
	StageIndexing = "indexing"
)

// A Swap is the state of the swap that is under way, or how the last one ended.
type Swap struct {
	Stage    string
	From, To string
	Now      bool
	Covers           // of the incoming encoder
	Last     *Report // nil: there was none
}

// Swap tells how far a swap is.
func (m *Manager) Swap(ctx context.Context) (Swap, error) {
	m.mutex.Lock()
	current, incoming := m.state.clone(), m.incoming
	m.mutex.Unlock()
	swap := Swap{Stage: StageNone, Last: current.Last}
	if current.Swap == nil {
		return swap, nil
	}
	p := *current.Swap
	swap.Stage, swap.From, swap.To, swap.Now = StageTesting, current.Serving.Name, p.To, p.Now
	if incoming == nil || !incoming.since.Equal(p.Started) {
		return swap, nil
	}
	covers, err := m.coverage(ctx, incoming.space)
	swap.Covers, swap.Stage = covers, p.stage(covers)
	return swap, err
}

func (p plan) stage(covers Covers) string {
	switch {
	case p.Paused:
		return StagePaused
	case p.done(covers):
		return StageIndexing
	case covers.Coverage.Waiting == 0:
		return StageOffline
	}
	return StageEncoding
}
