package encoder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
)

// spareBytes stay free on the disk besides what a swap needs.
const spareBytes = 256 << 20

// A RefusedError refuses what is asked for at this time.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refused(format string, values ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, values...)}
}

// Use begins a swap: the encoder is tested, then encodes the library while the
// one that serves goes on, and takes its place when every photo that can be read
// has a vector; with now, when every one that is online has. A swap to another
// encoder that is under way gives way. To use what serves ends a swap.
func (m *Manager) Use(ctx context.Context, name string, now bool) error {
	installed, err := m.Shelf.Find(name)
	if err != nil {
		return err
	}
	current := m.copyState()
	switch {
	case current.Swap != nil && current.Swap.To == name:
		return m.command(ctx, func(s *state) error { s.Swap.Now, s.Swap.Paused = now, false; return nil })
	case current.Serving.Name == name && current.Swap != nil:
		return m.command(ctx, func(s *state) error { s.Swap = nil; return nil })
	case current.Serving.Name == name:
		return refused("the encoder %s serves already", name)
	}
	if err := m.fit(ctx, installed); err != nil {
		return err
	}
	return m.command(ctx, func(s *state) error { s.Swap = &plan{To: name, Now: now, Started: time.Now()}; return nil })
}

// fit refuses an encoder that does not work or whose vectors find no room.
func (m *Manager) fit(ctx context.Context, installed Installed) (err error) {
	host, _, err := m.test(ctx, installed)
	defer func() { err = errors.Join(err, host.Close()) }()
	if err != nil {
		return err
	}
	about, err := host.Describe(ctx)
	if err != nil {
		return err
	}
	space, err := m.Catalogue.Space(ctx, about.GetSpace())
	if err != nil {
		return err
	}
	if err := space.Forgive(ctx); err != nil {
		return err
	}
	covers, err := m.coverage(ctx, space)
	if err != nil {
		return err
	}
	return m.room(installed.Name, about, covers.Coverage.Waiting+covers.Coverage.Offline)
}

// bytesEach is what the disk holds for a photo of an encoder: vector and feature
// in the space, int8 row, float16 copy and their tables in the index.
func bytesEach(about *contract.EncoderDescription) int64 {
	const rows = 128
	return 5*int64(about.GetDimensions()) + int64(about.GetFeatureBytes()) + 2*rows
}

func (m *Manager) room(name string, about *contract.EncoderDescription, photos int64) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(m.State, &disk); err != nil {
		return fmt.Errorf("ask for the room in %s: %w", m.State, err)
	}
	free, needed := int64(disk.Bavail)*disk.Bsize, photos*bytesEach(about)
	if photos > 0 && needed+spareBytes > free {
		return refused("the vectors of %s need %d MB for %d photos, and %d MB are free in %s: make room there, or remove an encoder that is kept",
			name, (needed+spareBytes)>>20, photos, free>>20, m.State)
	}
	return nil
}

// Rollback brings the encoder back that served before, with the vectors that
// it has: photos that came since then wait for theirs.
func (m *Manager) Rollback(ctx context.Context) error {
	return m.command(ctx, func(s *state) error {
		if !s.Returns || len(s.Earlier) == 0 {
			return refused("there is no earlier encoder to go back to: `vsectl encoder list` shows what can be used")
		}
		s.Swap = &plan{To: s.Earlier[0].Name, Back: true, Started: time.Now()}
		return nil
	})
}

// Pause stops the encoding of a swap, or goes on with it.
func (m *Manager) Pause(ctx context.Context, paused bool) error {
	return m.command(ctx, func(s *state) error {
		if s.Swap == nil {
			return refused("no swap is under way")
		}
		s.Swap.Paused = paused
		return nil
	})
}

// command changes the state, unless edit refuses, and has Run look at it.
func (m *Manager) command(ctx context.Context, edit func(*state) error) error {
	var refused error
	err := m.change(ctx, func(s *state) { refused = edit(s) })
	m.wake()
	return errors.Join(refused, err)
}

// advance brings a swap forward, up to its end.
func (m *Manager) advance(ctx context.Context, p plan) error {
	if m.incoming == nil {
		if err := m.begin(ctx, p); err != nil || m.incoming == nil {
			return err
		}
	}
	if err := m.retarget(ctx, &p); err != nil {
		return err
	}
	if err := m.lean(ctx, p); err != nil {
		return err
	}
	covers, err := m.coverage(ctx, m.incoming.space)
	if err != nil || !p.done(covers) {
		return err
	}
	found, err := m.incoming.index.CaughtUp(ctx)
	if err != nil || !found {
		return err
	}
	report := &Report{From: m.Serving(), To: p.To, Back: p.Back, At: time.Now(), Covers: covers}
	return m.serve(ctx, m.incoming, report, p.Back)
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

// begin starts the incoming encoder. One that is not installed any more ends the
// swap; any other failure is tried again.
func (m *Manager) begin(ctx context.Context, p plan) error {
	installed, err := m.Shelf.Find(p.To)
	var unknown *UnknownError
	if errors.As(err, &unknown) {
		return m.change(ctx, func(s *state) {
			s.Last = &Report{From: s.Serving.Name, To: p.To, At: time.Now(), Failed: err.Error()}
			s.Swap = nil
		})
	}
	if err != nil {
		return err
	}
	r, err := m.start(ctx, installed)
	if err != nil {
		return err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.incoming = r
	return nil
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

// Remove deletes an installed encoder and its vectors. What serves or comes in,
// and what is fixed, is refused.
func (m *Manager) Remove(ctx context.Context, name string) error {
	installed, err := m.Shelf.Find(name)
	if err != nil {
		return err
	}
	current := m.copyState()
	switch {
	case installed.Fixed:
		return refused("%s comes with vsed or its configuration and cannot be removed", name)
	case current.Serving.Name == name:
		return refused("%s serves: use another encoder before", name)
	case current.Swap != nil && current.Swap.To == name:
		return refused("a swap to %s is under way: `vsectl encoder use %s` ends it", name, current.Serving.Name)
	}
	var gone []served
	err = m.change(ctx, func(s *state) {
		kept := s.Earlier[:0]
		for _, one := range s.Earlier {
			if one.Name == name {
				gone = append(gone, one)
			} else {
				kept = append(kept, one)
			}
		}
		s.Earlier = kept
		s.Returns = s.Returns && len(kept) > 0
	})
	if err != nil {
		return err
	}
	for _, one := range gone {
		if now := m.copyState(); !now.holds(one.Space) {
			if err := m.removeSpace(ctx, one.Space); err != nil {
				return err
			}
		}
	}
	return m.Shelf.remove(installed)
}

func (m *Manager) removeSpace(ctx context.Context, space string) error {
	if err := m.Catalogue.RemoveSpace(ctx, space); err != nil {
		return fmt.Errorf("delete the vectors of the space %s: %w", space, err)
	}
	if err := os.RemoveAll(m.indexFolder(space)); err != nil {
		return fmt.Errorf("delete the index of the space %s: %w", space, err)
	}
	return nil
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
	if incoming == nil {
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
