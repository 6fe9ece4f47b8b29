package daemon

import (
	"testing"
	"time"

	"vsed/daemon/learn"
	"vsed/plugins/contract"
)

// What no photo was searched for has no figures, not those of a tag that is never found.
func TestATagThatWasNotMeasured(t *testing.T) {
	f := func(before, after float64, measured bool) {
		t.Helper()
		got := learningTag(contract.TrainingTag{Tag: "dog", Photos: 9, Held: 1, Before: before, After: after, Lacking: 2})
		if got.Tag != "dog" || got.Photos != 9 || got.Held != 1 || got.Lacking != 2 || measured != (got.Before != nil && *got.Before == before && *got.After == after) {
			t.Errorf("%g and %g: %+v", before, after, got)
		}
	}
	f(0, 0, false)
	f(0.4, 100, true)
}

// A step that was broken off begins anew with what was done before, in no time.
func TestTheRateOfAStepThatGoesOn(t *testing.T) {
	now := time.Now()
	f := func(done int, rate, left float64) {
		t.Helper()
		step := learn.Progress{Progress: contract.Progress{Step: "heads", Done: done, Total: 1000}, Since: now.Add(-2 * time.Second), From: 200}
		if got := learningProgress(step, now); got.Done != done || got.Rate != rate || got.SecondsLeft != left {
			t.Errorf("%+v", got)
		}
	}
	f(200, 0, 0)
	f(300, 50, 14)
}

func TestARunThatMeasuredNothingHasNoGain(t *testing.T) {
	if got := learningGain(contract.TrainingMeasure{}); got != nil {
		t.Errorf("nothing was measured: %+v", *got)
	}
	if got := learningGain(contract.TrainingMeasure{Low: -1, High: 1}); got == nil || got.High != 1 {
		t.Errorf("no gain was measured: %+v", got)
	}
}
