package learn

import (
	"context"
	"errors"
	"time"

	"vsed/daemon/encoder"
)

// lookPause is how often the schedule looks at the clock: by the wall's and not by a
// timer, since machines sleep.
const lookPause = 10 * time.Minute

// schedule starts a run once a day, in its hour, where there are enough new tags and
// nothing else is going on.
func (m *Manager) schedule(ctx context.Context, now time.Time) {
	if !m.Auto || now.Hour() != m.Hour || !m.firstLook(now) {
		return
	}
	fresh, _, err := m.NewTags(ctx)
	if err != nil {
		m.Log.Error("new tags cannot be counted; learning waits for the next day", "error", err)
		return
	}
	if fresh < Enough {
		return
	}
	swap, err := m.Encoders.Swap(ctx)
	if err == nil && swap.Stage == encoder.StageNone {
		_, err = m.Start(ctx, BySchedule)
	}
	var refusal *RefusedError
	if err != nil && !errors.As(err, &refusal) {
		m.Log.Error("learning does not start", "error", err)
	}
}

// firstLook reports whether the schedule has not looked in this hour of the day.
func (m *Manager) firstLook(now time.Time) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if now.Sub(m.looked) < time.Hour {
		return false
	}
	m.looked = now
	return true
}

// NewTags counts the tags given since the last run that has a report, and all. Tags
// taken away are subtracted.
func (m *Manager) NewTags(ctx context.Context) (fresh, given int64, err error) {
	if _, given, err = m.Library.Tagged(ctx); err != nil {
		return 0, 0, err
	}
	before := int64(0)
	for _, run := range m.Runs() {
		if run.State == Proposed || run.State == NoProposal {
			before = run.TagsGiven
		}
	}
	return max(0, given-before), given, nil
}

// Next is when the schedule looks next; zero where there is none.
func (m *Manager) Next(now time.Time) time.Time {
	if !m.Auto {
		return time.Time{}
	}
	next := time.Date(now.Year(), now.Month(), now.Day(), m.Hour, 0, 0, 0, now.Location())
	if next.Before(now) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, m.Hour, 0, 0, 0, now.Location())
	}
	return next
}
