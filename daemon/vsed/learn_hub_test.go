package main

import (
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/encoders/tinyclip"
)

// TestLearningOnAModelOfAHub has the household's words learned from vectors alone, by a
// model of which no more is known.
func TestLearningOnAModelOfAHub(t *testing.T) {
	for _, variable := range []string{"XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(variable, t.TempDir())
	}
	w, untagged := newHousehold(t)
	model := filepath.Join(t.TempDir(), "tiny")
	w.check(tinyclip.Write(model, tinyclip.Options{Newer: true}))
	w.succeeds("encoder", "pull", "--from", model)
	w.succeeds("encoder", "use", "tiny")
	before, answersBefore := w.precision(untagged), w.answers()

	w.succeeds("learn", "start")
	report, err := w.client.LearningReport(w.Context(), 1)
	w.check(err)
	if report.Run.State != api.LearningProposed || report.Run.Learned != len(household) || report.Run.Gain.Low <= 0 {
		t.Fatalf("report %+v", report)
	}
	if text := w.succeeds("learn", "apply"); !strings.Contains(text, "learned-1 serves in the place of tiny.") {
		t.Errorf("apply says\n%s", text)
	}
	after := w.precision(untagged)
	t.Logf("mean average precision over %d photos without tags: %.1f before, %.1f after", len(untagged), 100*before, 100*after)
	if after < before+.1 {
		t.Errorf("the photos without tags rank at %.3f, before at %.3f", after, before)
	}
	if text := w.succeeds("learn", "rollback"); !strings.Contains(text, "tiny serves in the place of learned-1.") {
		t.Errorf("the roll-back says\n%s", text)
	}
	if answers := w.answers(); answers != answersBefore {
		t.Errorf("the roll-back gives\n%swant\n%s", answers, answersBefore)
	}
}
