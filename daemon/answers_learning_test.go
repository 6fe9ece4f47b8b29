package daemon

import (
	"testing"

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
