package daemon

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
)

// TestCursorsComeBack: whatever tags hold, the cursor is read as it was made, and is one
// that the server takes.
func TestCursorsComeBack(t *testing.T) {
	const longest = 1024 // in package server
	for _, name := range []string{"dog", "a  b ", strings.Repeat("<", api.MaxTagBytes), strings.Repeat("\u2028", 85), "\"\\&"} {
		last := catalogue.Suggestion{Photo: 1<<62 + 1, LearnedTag: catalogue.LearnedTag{Name: name, Confidence: 1.0 / 3}}
		cursor := afterSuggestion(last)
		if got, err := suggestionCursor(cursor); err != nil || *got != last || len(cursor) > longest {
			t.Errorf("%.20q: %+v, %v, %d bytes", name, got, err, len(cursor))
		}
	}
	for _, text := range []string{"damaged", "", " ", "7", "7 dog", "7 NaN dog", "7 1.5 dog", "x 0.5 dog"} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(text))
		if text == "damaged" {
			cursor = "!"
		}
		if got, err := suggestionCursor(cursor); cursor != "" && err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A suggestion is meant by what finds its tag, in any spelling.
func TestSuggestionsAreNamedAsTagsAreFiltered(t *testing.T) {
	suggested := []string{"Tiger", "tiger", "Omas\u00a0Garten", "Caf\u00e9"}
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
