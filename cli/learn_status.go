package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

func newLearnStatusCommand(out Screen) *cli.Command {
	return newLearnCommand("status", "show what is learned now, what waits, and what comes next", out, runLearnStatus)
}

func runLearnStatus(ctx context.Context, options LearnOptions, out Screen) error {
	learning, err := options.Client.Learning(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(learning)
	}
	return out.prose(learningFields(learning, out.Now))
}

func learningFields(l api.Learning, now time.Time) []field {
	encoder := cmp.Or(l.Serving, "none serves yet")
	switch {
	case l.Learned && l.Before != "":
		encoder += fmt.Sprintf(", learned here; `vsectl learn rollback` goes back to %s", l.Before)
	case l.Learned:
		encoder += fmt.Sprintf(", learned here; `vsectl encoder use %[1]s` brings %[1]s back", cmp.Or(l.Base, "builtin"))
	}
	run := "no run is under way"
	if l.Run != nil {
		run = runText(*l.Run, l.Progress)
	}
	fields := []field{{"Encoder", encoder}, {"Learning", run}, {"Proposal", proposalText(l.Proposal)}}
	if last := l.Last; last != nil && (l.Proposal == nil || last.Number != l.Proposal.Number) {
		fields = append(fields, field{"Last run", lastText(*last, now)})
	}
	fields = append(fields, field{"Tags", tagsText(l)}, field{"Schedule", scheduleText(l, now)})
	if l.Suggests {
		fields = append(fields, field{"Suggested", "learned tags wait to be accepted or refused: `vsectl learn suggestions` shows them"})
	}
	return fields
}

func tagsText(l api.Learning) string {
	text := fmt.Sprintf("%s on %s", number(l.TagsGiven), photos(l.Tagged))
	if l.TagsRefused == 0 {
		return fmt.Sprintf("%s, %s new since the last run", text, number(l.NewTags))
	}
	return fmt.Sprintf("%s, %s refused; %s of both new since the last run", text, plural(l.TagsRefused, "suggestion", "suggestions"), number(l.NewTags))
}

func runText(run api.LearningRun, p *api.LearningProgress) string {
	text := fmt.Sprintf("run %d", run.Number)
	if p == nil || p.Step == "" {
		return text + " begins"
	}
	return text + ": " + progressText(*p)
}

// fewParts is of how many a step may consist for which rate and time left say nothing.
const fewParts = 10

// counts reports whether it says something how much of a step is done.
func counts(p api.LearningProgress) bool { return p.Done > 0 && p.Total > 1 }

func progressText(p api.LearningProgress) string {
	text := p.Step
	if counts(p) {
		text += fmt.Sprintf(", %s of %s", number(int64(p.Done)), number(int64(p.Total)))
	}
	if counts(p) && p.Total > fewParts && p.Rate > 0 && p.SecondsLeft > 0 {
		text += fmt.Sprintf(", %.1f/s, %s left", p.Rate, left(int64(math.Ceil(p.SecondsLeft)), 1))
	}
	return text
}

func proposalText(run *api.LearningRun) string {
	if run == nil {
		return ""
	}
	text := fmt.Sprintf("run %d waits, points for your tags %s", run.Number, gain(run.Gain))
	if run.Guard != nil {
		text += fmt.Sprintf("; for other sentences %s", gained(run.Guard))
	}
	return text + fmt.Sprintf(": `vsectl learn report %d`", run.Number)
}

func lastText(run api.LearningRun, now time.Time) string {
	state := run.State
	if state == api.LearningStopped {
		state += " by hand"
	}
	text := fmt.Sprintf("%d, %s %s", run.Number, state, ago(cmp.Or(run.Ended, run.Began), now))
	switch {
	case run.Serves:
		text += ", it serves"
	case unfit(run):
		text += ", cannot be applied"
	case run.Applied != "":
		text += ", applied before"
	}
	if run.Reason != "" && run.State != api.LearningStopped {
		text += ": " + run.Reason
	}
	return text
}

func scheduleText(l api.Learning, now time.Time) string {
	switch {
	case l.Next == "":
		return "off; `vsectl learn start` learns now"
	case l.NewTags >= l.Enough:
		return "a run begins " + until(l.Next, now)
	}
	return fmt.Sprintf("a run begins %s if there are %s by then", until(l.Next, now), plural(l.Enough, "new tag", "new tags"))
}
