package learn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
	"vsed/plugins/selftest"
)

// Apply installs what a run proposes, and begins the swap to it.
func (m *Manager) Apply(ctx context.Context, number int) error {
	m.commands.Lock()
	defer m.commands.Unlock()
	run, err := m.run(number)
	if err != nil {
		return err
	}
	if err := m.mayApply(ctx, run); err != nil {
		return err
	}
	fresh, err := m.install(ctx, run)
	if err != nil {
		return err
	}
	if err := m.Encoders.Use(ctx, Name(number), true); err != nil {
		var failure *selftest.Failure
		if errors.As(err, &failure) && ctx.Err() == nil {
			err = errors.Join(err, m.noteUnfit(number, failure))
		}
		if fresh {
			err = errors.Join(err, m.Encoders.Remove(context.WithoutCancel(ctx), Name(number)))
		}
		return err
	}
	if err := m.noteApplied(number); err != nil { // the swap has begun nonetheless
		m.Log.Warn("it cannot be noted that a learning run was applied", "run", number, "error", err)
	}
	return nil
}

// Waiting gives the proposal that waits to be applied: that of the newest run that
// proposes anything, unless it was applied, failed its test, or does not fit what
// serves. An older one is no more than that run made of fewer tags.
func (m *Manager) Waiting() (Run, bool) {
	runs := m.Runs()
	slices.Reverse(runs)
	at := slices.IndexFunc(runs, func(run Run) bool { return run.State == Proposed })
	if at < 0 {
		return Run{}, false
	}
	run, about := runs[at], m.Encoders.About()
	newest, _ := NumberOf(m.Encoders.Serving())
	fits := run.Number > newest && about != nil && about.GetFeatureSpace() == run.FeatureSpace
	return run, run.Applied.IsZero() && run.Reason == "" && fits
}

// mayApply refuses a run that proposes nothing, and a proposal that does not fit what
// serves now.
func (m *Manager) mayApply(ctx context.Context, run Run) error {
	switch run.State {
	case Proposed:
	case Running:
		return refused("learning run %d is under way: wait for its end, `vsectl learn status` shows how far it is", run.Number)
	case NoProposal:
		return refused("learning run %d proposes nothing: %s", run.Number, run.Reason)
	default:
		return refused("learning run %d proposes nothing (%s): %s", run.Number, run.State, run.Reason)
	}
	swap, err := m.Encoders.Swap(ctx)
	if err != nil {
		return err
	}
	if swap.Stage != encoder.StageNone {
		return refused("a change of encoders to %s is under way: wait for its end, which `vsectl status` shows, or end it with `vsectl encoder rollback`", swap.To)
	}
	serving := m.Encoders.Serving()
	if serving == Name(run.Number) {
		return refused("what learning run %d made serves already", run.Number)
	}
	if newer, learned := NumberOf(serving); learned && newer > run.Number {
		return m.older(ctx, run.Number, newer)
	}
	about := m.Encoders.About()
	if about == nil {
		return refused("no encoder serves at present to take the place of: `vsectl status` says why")
	}
	if about.GetFeatureSpace() != run.FeatureSpace {
		return refused("learning run %d is of the encoder %s, and %s, which serves, has other features: learn anew with `vsectl learn start`", run.Number, run.From, serving)
	}
	return nil
}

// older refuses a run that is older than the one that serves.
func (m *Manager) older(ctx context.Context, number, serving int) error {
	if before := m.Encoders.Before(); before != "" {
		return refused("learning run %d is older than run %d, which serves: `vsectl learn rollback` goes back to %s first", number, serving, before)
	}
	base, err := m.Base(ctx)
	if err != nil {
		return err
	}
	return refused("learning run %d is older than run %d, which serves: `vsectl encoder use %s` brings %s back first", number, serving, base, base)
}

// Base is the encoder that the learned one which serves was learned on top of; the
// default where that is installed no more; "" where none that was learned serves.
func (m *Manager) Base(ctx context.Context) (string, error) {
	number, learned := NumberOf(m.Encoders.Serving())
	if !learned {
		return "", nil
	}
	all, err := m.Encoders.List(ctx)
	if err != nil {
		return "", err
	}
	run, err := m.run(number)
	if err == nil && slices.ContainsFunc(all, func(one encoder.Known) bool { return one.Name == run.From }) {
		return run.From, nil
	}
	return encoder.Default, nil
}

// install installs the proposal, unless it is there from before, and reports whether
// it was not.
func (m *Manager) install(ctx context.Context, run Run) (fresh bool, err error) {
	name := Name(run.Number)
	proposal := filepath.Join(m.path(run.Number), contract.LearnedFile)
	manifest, err := os.ReadFile(filepath.Join(proposal, manifestName))
	if err != nil {
		return false, fmt.Errorf("read what learning run %d proposes: %w", run.Number, err)
	}
	all, err := m.Encoders.List(ctx)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(all, func(one encoder.Known) bool { return one.Name == name })
	if at < 0 {
		return true, m.Encoders.InstallFolder(ctx, name, proposal)
	}
	if installed, err := os.ReadFile(filepath.Join(all[at].Folder, manifestName)); err != nil || !bytes.Equal(installed, manifest) {
		return false, refused("another encoder is installed as %s: remove it with `vsectl encoder remove %s`", name, name)
	}
	return false, nil
}

func (m *Manager) noteApplied(number int) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	run, err := m.find(number)
	if err != nil {
		return err
	}
	run.Applied, run.Reason = time.Now(), ""
	return writeRun(m.path(number), *run)
}

// noteUnfit has a proposal that failed its test offered no more; who names it may try
// again.
func (m *Manager) noteUnfit(number int, failure error) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	run, err := m.find(number)
	if err != nil {
		return err
	}
	run.Reason = oneLine(failure.Error())
	return writeRun(m.path(number), *run)
}

// Rollback goes back to the encoder that served before a learned one.
func (m *Manager) Rollback(ctx context.Context) error {
	m.commands.Lock()
	defer m.commands.Unlock()
	swap, err := m.Encoders.Swap(ctx)
	if err != nil {
		return err
	}
	serving := m.Encoders.Serving()
	_, learned := NumberOf(serving)
	if swap.Stage != encoder.StageNone {
		if _, coming := NumberOf(swap.To); !coming && !learned {
			return refused("a change of encoders to %s is under way, which was not learned: `vsectl encoder rollback` ends it", swap.To)
		}
		return m.Encoders.Rollback(ctx)
	}
	if !learned {
		return refused("there is nothing to roll back: %s serves, which was not learned here", serving)
	}
	if m.Encoders.Before() == "" {
		base, err := m.Base(ctx)
		if err != nil {
			return err
		}
		return refused("the encoder before %s is not kept: `vsectl encoder use %s` brings %s back", serving, base, base)
	}
	return m.Encoders.Rollback(ctx)
}

// prune deletes runs that are old and whose encoder is not in use, and the encoders of
// such runs.
func (m *Manager) prune(ctx context.Context) {
	if ctx.Err() != nil {
		return // the next start does it
	}
	all, err := m.Encoders.List(ctx)
	if err != nil {
		m.Log.Warn("old learning runs are not deleted", "error", err)
		return
	}
	used := make(map[int]bool)
	var idle []int
	for _, one := range all {
		if number, ok := NumberOf(one.Name); ok && one.State == encoder.Idle {
			idle = append(idle, number)
		} else if ok {
			used[number] = true
		}
	}
	old := m.forget(used)
	for _, number := range idle {
		if !slices.Contains(old, number) {
			continue
		}
		if err := m.Encoders.Remove(ctx, Name(number)); err != nil {
			m.Log.Warn("the encoder of an old learning run is not deleted", "run", number, "error", err)
		}
	}
}

// forget deletes the oldest runs, but for those in use and the last few, and gives
// their numbers.
func (m *Manager) forget(used map[int]bool) (old []int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	left := kept
	for i := len(m.runs) - 1; i >= 0; i-- {
		run := m.runs[i]
		switch {
		case used[run.Number] || run.State == Running:
		case left > 0:
			left--
		default:
			if err := os.RemoveAll(m.path(run.Number)); err != nil {
				m.Log.Warn("an old learning run is not deleted", "run", run.Number, "error", err)
				continue
			}
			old = append(old, run.Number)
		}
	}
	m.runs = slices.DeleteFunc(m.runs, func(run Run) bool { return slices.Contains(old, run.Number) })
	return old
}
