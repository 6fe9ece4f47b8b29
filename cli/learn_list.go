package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

func newLearnListCommand(out Screen) *cli.Command {
	return newLearnCommand("list", "show the learning runs, what came of each, and which one serves", out, runLearnList)
}

func runLearnList(ctx context.Context, options LearnOptions, out Screen) error {
	runs, err := options.Client.LearningRuns(ctx)
	if err != nil {
		return err
	}
	switch {
	case options.JSON:
		err = out.json(api.LearningRuns{Runs: runs})
	case len(runs) == 0:
		err = out.say("Nothing was learned yet: `vsectl learn start` learns from your tags.")
	default:
		err = showRuns(runs, out)
	}
	if err == nil && len(runs) == 0 {
		return errNone
	}
	return err
}

func showRuns(runs []api.LearningRun, out Screen) error {
	columns := []table.Column{
		{Title: "RUN", Right: true}, {Title: "STATE"}, {Title: "BEGAN"}, {Title: "BY"}, {Title: "PHOTOS", Right: true}, {Title: "LEARNED", Right: true},
		{Title: "GAIN", Right: true, Shorten: table.End}, {Title: "OTHERS", Right: true}, {Title: "APPLIED"},
	}
	rows := make([][]string, len(runs))
	for i, run := range runs {
		state, applied := run.State, "-"
		switch {
		case run.Serves:
			state = "serves"
		case unfit(run):
			state = "unfit"
		}
		if run.Applied != "" {
			applied = ago(run.Applied, out.Now)
		}
		rows[i] = []string{
			strconv.Itoa(run.Number), state, ago(run.Began, out.Now), run.By, examplesOf(run), learnedOf(run),
			shortGain(run.Gain), gained(run.Guard), applied,
		}
	}
	if out.Width > 0 && out.Width < roomForStarter {
		columns, rows = withoutColumn(columns, rows, 3)
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	for _, run := range runs {
		if run.Reason == "" {
			continue
		}
		if err := out.say("%s", reasonText(run)); err != nil {
			return err
		}
	}
	return out.paragraph("LEARNED are tags, of those that there were; GAIN is that of your tags, ± how far off it would be with other tags of the kind, OTHERS what became of other sentences, in points of percent: `vsectl learn report RUN` says more.")
}

// roomForStarter is the width below which the table leaves out who started a run.
const roomForStarter = 90

// reasonText says why a run proposes nothing, or why it cannot be applied.
func reasonText(run api.LearningRun) string {
	if unfit(run) {
		return fmt.Sprintf("Run %d cannot be applied: %s", run.Number, run.Reason)
	}
	return fmt.Sprintf("Run %d: %s", run.Number, run.Reason)
}

// unfit reports whether what a run proposes failed its test when it was applied.
func unfit(run api.LearningRun) bool { return run.State == api.LearningProposed && run.Reason != "" }

// examplesOf counts the photos that a run has learned from and measured with; one that
// ended before its report says nothing of them.
func examplesOf(run api.LearningRun) string {
	if taggedOf(run) == 0 {
		return "-"
	}
	return number(taggedOf(run))
}

// taggedOf counts the photos with tags of a run: those held out in turn are learned from, too.
func taggedOf(run api.LearningRun) int64 {
	if run.Folds > 0 {
		return int64(run.Photos)
	}
	return int64(run.Photos + run.Held)
}

func learnedOf(run api.LearningRun) string {
	if run.Tags == 0 {
		return "-"
	}
	return number(int64(run.Learned)) + "/" + number(int64(run.Tags))
}

func gained(m *api.LearningMeasure) string {
	if m == nil {
		return "-"
	}
	return points(m.Value)
}

// gain tells what is won with its interval, or that it may be won by chance.
func gain(m *api.LearningMeasure) string {
	switch {
	case m == nil:
		return "-"
	case chance(*m):
		return points(m.Value) + ", may be chance"
	}
	return change(m, api.LearningMeasure{}, api.LearningMeasure{})
}

// shortGain is gain where there is little room.
func shortGain(m *api.LearningMeasure) string {
	switch {
	case m == nil:
		return "-"
	case chance(*m):
		return points(m.Value) + " chance?"
	case m.Low < m.High:
		return fmt.Sprintf("%s ±%.1f", points(m.Value), (m.High-m.Low)/2)
	}
	return points(m.Value)
}

// chance reports whether it may well be that nothing is won.
func chance(m api.LearningMeasure) bool { return m.Low < m.High && m.Low <= 0 && m.High >= 0 }

// points tells a difference with its sign.
func points(value float64) string {
	text := fmt.Sprintf("%+.1f", value)
	if text == "-0.0" {
		return "+0.0"
	}
	return text
}
