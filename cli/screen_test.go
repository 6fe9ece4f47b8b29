package cli

import (
	"bytes"
	"strings"
	"testing"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// TestNothingIsWiderThanTheTerminal: prose, tables and errors fit, whatever they hold.
func TestNothingIsWiderThanTheTerminal(t *testing.T) {
	library, client := school(t)
	library.Set(status())
	library.Answer = explained()
	for range 12 {
		library.Answer.Explanation.Steps = append(library.Answer.Explanation.Steps, api.Step{Name: "vectors and words", Milliseconds: 1234.5})
	}
	library.School.Runs[0].Reason = "self-test: golden: the text \"a dog\" has another vector than the bundle says"
	library.School.Runs[1].Reason = strings.Repeat("nothing is gained here ", 9)
	low := measure(0.4, -0.1, 0.9)
	library.School.Runs[2].Gain = &low
	run := proposedRun()
	learning := restful()
	learning.Run, learning.Progress = &run, &api.LearningProgress{Step: "looking for what was forgotten", Done: 31, Total: 200, Rate: 0.3, SecondsLeft: 12_345}
	library.School.SetLearning(learning)
	f := func(args ...string) {
		t.Helper()
		text, _ := vsectl(t, client, 80, args...)
		for _, line := range strings.Split(text, "\n") {
			if got := table.Width(line); got > 80 {
				t.Errorf("%q: %d columns: %s", args, got, line)
			}
		}
	}
	f("status")
	f("search", "dog", "--explain")
	f("search", "dog")
	for _, verb := range []string{"status", "list", "report", "suggestions"} {
		f("learn", verb)
	}
	f("learn", "apply", "9")
	f("learn", "apply", "2")
	f("learn", "refuse", "id:70", "Strand", "--least", "0.9")
	f("learn", "accept", "--tag", "Strand")
	f("tag", "list", "/none.jpg")
}

// TestHowSureALearnedTagIsStays where the table is narrow; FILTERS stand there where there are any.
func TestHowSureALearnedTagIsStays(t *testing.T) {
	library, client := school(t)
	cosine := 0.392
	library.Answer = api.SearchResult{Explanation: &api.Explanation{Parsed: "runway"}, Hits: []api.Hit{{
		Photo: photo(121, "/photos/2019/summer/holiday at the sea/a.jpg"), Ranked: true, Score: 45.08,
		Matches: []api.Match{{Field: api.FieldLearned, Texts: []string{"runway (27 %)"}}}, Reason: &api.Reason{Cosine: &cosine, VectorRank: 37},
	}}}
	text, _ := vsectl(t, client, 80, "search", "runway", "--explain")
	if !strings.Contains(text, "runway (27 %)  /ph") || strings.Contains(text, "FILTERS") {
		t.Error(text)
	}
}

// TestAQuestionIsBroken between words, and the answer stands behind it.
func TestAQuestionIsBroken(t *testing.T) {
	var text bytes.Buffer
	if err := (Screen{Writer: &text, Width: 20}).ask("Refuse %q for 3 photos? [y/N]", "\x1b[2J"); err != nil || text.String() != "Refuse \"\\x1b[2J\" for\n3 photos? [y/N] " {
		t.Errorf("%q, %v", text.String(), err)
	}
}
