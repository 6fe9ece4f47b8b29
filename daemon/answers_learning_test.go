package daemon

import (
	"slices"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
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

// A suggestion is meant by what finds its tag, in any spelling.
func TestSuggestionsAreNamedAsTagsAreFiltered(t *testing.T) {
	suggested := []catalogue.LearnedTag{{Name: "Tiger"}, {Name: "tiger"}, {Name: "Omas\u00a0Garten"}, {Name: "Caf\u00e9"}}
	f := func(want, missed []string, named ...string) {
		t.Helper()
		var asked []api.PhotoTag
		for _, tag := range named {
			asked = append(asked, api.PhotoTag{Photo: 7, Tag: tag})
		}
		names, rest := suggestionsMeant(asked, suggested)
		var others []string
		for _, one := range rest {
			others = append(others, one.Tag)
		}
		if !slices.Equal(names, want) || !slices.Equal(others, missed) {
			t.Errorf("%q: got %q and not %q, want %q and not %q", named, names, others, want, missed)
		}
	}
	f([]string{"Tiger"}, nil, "TIGER", "TIGER")
	f([]string{"tiger"}, []string{"lion"}, "lion", "tiger")
	f([]string{"Omas\u00a0Garten", "Caf\u00e9"}, nil, "omas garten", "Omas\u00a0Garten", "cafe\u0301")
	f(nil, []string{"Tig"}, "Tig")
}
