package cli

import (
	"bytes"
	"testing"

	"vsed/cli/evaluation"
	"vsed/index/evaluate"
)

func TestEvaluationIsShown(t *testing.T) {
	interval := evaluate.Interval{Low: 0.655, High: 0.789}
	report := evaluation.Report{Encoder: "one", Queries: 2, Photos: 1000, Measures: []evaluation.Measure{{Name: "R@10", Value: 0.72, Range: &interval}, {Name: "median rank", Value: 3}}}
	var text bytes.Buffer
	if err := showReport(report, Screen{Writer: &text}); err != nil {
		t.Fatal(err)
	}
	golden(t, "evaluate.txt", text.Bytes())
	if got, want := evaluationText(12_000, 12_300, 25, "photos"), "12,000 of 12,300 photos, 25.0/s, 12 s left"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
