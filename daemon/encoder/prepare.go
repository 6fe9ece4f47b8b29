package encoder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// asideSuffix marks what a preparation made and the self-test refused, kept for
// whoever wants to know why.
const asideSuffix = ".aside"

// A Preparation is what makes an encoder faster, while it already serves; such as
// an engine for this GPU. Zero: there was nothing to prepare.
type Preparation struct {
	Encoder     string
	What        string // one line
	Step        string
	Done, Total int // of the steps; Total 0: not known
	Began       time.Time
	Ended       time.Time // zero while it goes on
	Failed      string    // why it is of no use; it is tried again after a restart
}

// preparing is the preparation that goes on, if any.
type preparing struct {
	of     *running
	cancel context.CancelFunc
	ended  chan error      // gets one value, and is nil while none goes on
	tried  map[string]bool // by bundle digest: each once
}

// Prepared tells of the last preparation, or of the one that goes on.
func (m *Manager) Prepared() Preparation {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.prepared
}

// prepare begins in the background what an encoder that runs could have prepared;
// the incoming one first, which has most to do. What goes on for an encoder that
// no longer runs ends.
func (m *Manager) prepare(ctx context.Context) {
	if m.preparation.ended != nil {
		if m.runs(m.preparation.of) == nil {
			m.preparation.cancel()
		}
		return
	}
	for _, r := range []*running{m.incoming, m.serving} {
		if r == nil || r.about.GetPreparation() == "" || m.preparation.tried[r.about.GetBundleDigest()] {
			continue
		}
		m.preparation.tried[r.about.GetBundleDigest()] = true
		m.beginPreparation(ctx, r)
		return
	}
}

func (m *Manager) beginPreparation(ctx context.Context, r *running) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	m.preparation.of, m.preparation.cancel, m.preparation.ended = r, cancel, ended
	m.report(func(p *Preparation) {
		*p = Preparation{Encoder: r.Name, What: r.about.GetPreparation(), Began: time.Now()}
	})
	m.Log.Info("an encoder is prepared in the background", "name", r.Name, "what", r.about.GetPreparation())
	command := r.Command
	command.Name = "preparation of " + r.Name
	go func() {
		ended <- host.Prepare(ctx, command, m.Log, func(step contract.Progress) {
			m.report(func(p *Preparation) { p.Step, p.Done, p.Total = step.Step, step.Done, step.Total })
		})
	}()
}

func (m *Manager) report(edit func(*Preparation)) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	edit(&m.prepared)
}

// stop ends the preparation, if any.
func (p *preparing) stop() {
	if p.ended != nil {
		p.cancel()
		<-p.ended
		p.ended = nil
	}
}

// afterPreparation puts the encoder as it is with what was prepared in the place
// of the one that runs. Where anything fails that goes on, and the reason is
// kept.
func (m *Manager) afterPreparation(ctx context.Context, failure error) {
	prepared := m.preparation.of
	m.preparation.cancel()
	m.preparation.ended, m.preparation.of = nil, nil
	place := m.runs(prepared)
	if failure == nil && place != nil {
		failure = m.renew(ctx, place)
	}
	if ctx.Err() != nil {
		return
	}
	if place == nil { // the encoder gave way meanwhile
		delete(m.preparation.tried, prepared.about.GetBundleDigest())
		m.report(func(p *Preparation) { *p = Preparation{} })
		return
	}
	m.report(func(p *Preparation) {
		p.Ended = time.Now()
		if failure != nil {
			p.Failed = failure.Error()
		}
	})
	if failure != nil {
		m.Log.Error("a preparation is of no use; the encoder goes on as it is until a restart", "name", prepared.Name, "error", failure)
	}
}

// runs gives the place of an encoder that runs: of what serves, or comes in.
func (m *Manager) runs(one *running) **running {
	for _, place := range []**running{&m.serving, &m.incoming} {
		if *place == one {
			return place
		}
	}
	return nil
}

// renew starts the encoder of a place once more and lets it take over there.
func (m *Manager) renew(ctx context.Context, place **running) error {
	before := *place
	m.thin(ctx)
	next, err := m.start(ctx, before.Installed)
	if err == nil && next.about.GetSpace() != before.about.GetSpace() {
		err = errors.Join(fmt.Errorf("it came back with the space %s and had %s", next.about.GetSpace(), before.about.GetSpace()), m.end(next))
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.Join(err, setAside(before.Cache))
	}
	next.since = before.since
	if before == m.serving {
		m.Engine.Serve(next.generation())
	}
	m.mutex.Lock()
	*place = next
	m.mutex.Unlock()
	m.Log.Info("the encoder runs as prepared", "name", next.Name, "provider", next.about.GetProvider())
	if err := errors.Join(m.retarget(ctx, m.plan()), m.end(before)); err != nil {
		m.Log.Warn("the encoder before does not end cleanly", "error", err)
	}
	return nil
}

// setAside keeps what was prepared from being used at the next start.
func setAside(cache string) error {
	if cache == "" {
		return nil
	}
	aside := cache + asideSuffix
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("set aside what was prepared: %w", err)
	}
	if err := os.Rename(cache, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("set aside what was prepared: %w", err)
	}
	return nil
}
