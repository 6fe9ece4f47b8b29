package encoder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/ingest"
	"vsed/daemon/search"
	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/plugins/selftest"
)

// A running encoder has passed the self-test. It uses the index of its space.
type running struct {
	Installed
	host  *host.EncoderHost
	about *contract.EncoderDescription
	space *catalogue.Space
	index *search.Index
	since time.Time // start of the swap that it is started for

	// Of the incoming one: it is down for longer, and gets no photos until the check
	// that is under way, if any, has ended well.
	down    bool
	checked chan error
}

// test starts an encoder and judges it. The report is complete up to the check
// that failed; the host is the caller's to close, also after an error.
func (m *Manager) test(ctx context.Context, installed Installed) (*host.EncoderHost, selftest.Report, error) {
	return m.try(ctx, installed, func(ctx context.Context, started *host.EncoderHost) (selftest.Report, error) {
		return m.judge(ctx, started, selftest.Limits{Memory: int64(m.Memory)})
	})
}

// try starts an encoder and has it judged, one at a time.
func (m *Manager) try(ctx context.Context, installed Installed, judge func(context.Context, *host.EncoderHost) (selftest.Report, error)) (*host.EncoderHost, selftest.Report, error) {
	command := installed.Command
	command.Name = "encoder " + installed.Name
	started := host.NewEncoder(command, m.Policy, m.Log)
	select {
	case m.trial <- struct{}{}:
		defer func() { <-m.trial }()
	case <-ctx.Done():
		return started, selftest.Report{}, ctx.Err()
	}
	report, err := judge(ctx, started)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("the encoder %s does not work: %w", installed.Name, err)
	}
	return started, report, err
}

// judge tests an encoder in full, and keeps in mind what has passed.
func (m *Manager) judge(ctx context.Context, started *host.EncoderHost, limits selftest.Limits) (selftest.Report, error) {
	mark := m.fingerprint(ctx, started)
	report, err := selftest.Run(ctx, started, limits)
	if err == nil && mark != "" {
		m.remember(ctx, mark)
	}
	return report, err
}

// judgeAgain tests in short what has passed in full as it is now. What was once
// chosen may take any memory: to serve nothing instead helps nobody.
func (m *Manager) judgeAgain(ctx context.Context, started *host.EncoderHost) (selftest.Report, error) {
	if m.passed(ctx, m.fingerprint(ctx, started)) {
		return selftest.Quick(ctx, started)
	}
	return m.judge(ctx, started, selftest.Limits{})
}

// start starts and tests an encoder, and opens the index of its space.
func (m *Manager) start(ctx context.Context, installed Installed) (*running, error) {
	started, _, err := m.try(ctx, installed, m.judgeAgain)
	r := &running{Installed: installed, host: started}
	if err == nil {
		r.about, err = started.Describe(ctx)
	}
	if err == nil {
		r.space, err = m.Catalogue.Space(ctx, r.about.GetSpace())
	}
	if err == nil {
		err = r.space.Describe(ctx, catalogue.Description{FeatureSpace: r.about.GetFeatureSpace(), LearnedTags: r.about.GetLearnedTags()})
	}
	if err == nil {
		r.index, err = m.useIndex(ctx, r.about)
	}
	if err != nil {
		return nil, errors.Join(err, started.Close())
	}
	return r, nil
}

// end ends an encoder that neither queries nor ingest ask any more.
func (m *Manager) end(r *running) error {
	return errors.Join(m.leaveIndex(r.about.GetSpace()), r.host.Close())
}

func (r *running) generation() *search.Generation {
	return &search.Generation{Index: r.index, Encoder: r.host, MatchFloor: r.about.GetMatchFloor()}
}

func (r *running) served() served { return served{r.Name, r.about.GetSpace()} }

func (r *running) target(serves bool) ingest.Target {
	return ingest.Target{Serves: serves, Space: r.space, Encoder: r.host, Description: r.about, Check: r.check}
}

// check encodes a grey picture and a word: the host refuses what is no vector,
// and an encoder that fails on these is at fault itself. Photos then wait,
// instead of being set aside one by one.
func (r *running) check(ctx context.Context) error {
	picture := r.about.GetPicture()
	grey := bytes.Repeat([]byte{128}, int(picture.GetWidth()*picture.GetHeight()*3))
	if _, err := r.host.EncodePictures(ctx, [][]byte{grey}); err != nil {
		return err
	}
	_, err := r.host.EncodeTexts(ctx, []string{"photo"})
	return err
}

// rest keeps photos from an incoming encoder that does not come back from its
// crashes: they would pile up before it, and those of the encoder that serves
// behind them. It is asked now and then whether it works again.
func (r *running) rest(ctx context.Context) {
	r.down = r.down || r.host.Failing()
	if !r.down || r.checked != nil {
		return
	}
	checked := make(chan error, 1)
	r.checked = checked
	go func() { checked <- r.check(ctx) }()
}

// afterCheck lets photos come again where the check ended well.
func (r *running) afterCheck(failure error) {
	r.checked = nil
	r.down = failure != nil
}

// memory gives what the encoder says it takes, in bytes; 0: not known.
func (r *running) memory() uint64 { return r.about.GetPictureMemory() + r.about.GetTextMemory() }
