package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// learnHelp says what all commands of the group are about.
const learnHelp = `Learns from the tags that you, files and sidecars gave: how your words look, on
this machine, from what is stored of the photos. What comes of it is measured on
photos that were held out, and proposed; nothing changes before you apply it.`

// LearnOptions are those of the commands that take nothing else, or the number of a run.
type LearnOptions struct {
	Common
	// Run is a run's number; 0: the one that the command is about by itself.
	Run int
}

// numberOfRun takes the one RUN that a command may have.
func numberOfRun(command string, arguments []string) (int, error) {
	if len(arguments) > 1 {
		return 0, usagef("learn %s takes the number of one RUN: `vsectl learn list` shows them", command)
	}
	if len(arguments) == 0 {
		return 0, nil
	}
	number, err := strconv.Atoi(arguments[0])
	if err != nil || number < 1 {
		return 0, usagef("%q is no number of a run: `vsectl learn list` shows them", arguments[0])
	}
	return number, nil
}

// newLearnCommand is a command without arguments.
func newLearnCommand(name, usage string, out Screen, run func(context.Context, LearnOptions, Screen) error) *cli.Command {
	return verb(&cli.Command{
		Name: name, Usage: usage, Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn %s takes no argument", name)
			}
			return run(c.Context, LearnOptions{Common: common(c)}, out)
		},
	})
}

func newLearnStopCommand(out Screen) *cli.Command {
	return newLearnCommand("stop", "end the learning run that goes on", out, runLearnStop)
}

func runLearnStop(ctx context.Context, options LearnOptions, out Screen) error {
	learning, err := options.Client.StopLearning(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(learning)
	}
	return out.printf("The learning run is ended; what served goes on serving.\n")
}

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
		err = out.printf("Nothing was learned yet: `vsectl learn start` learns from your tags.\n")
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
		{Title: "RUN", Right: true}, {Title: "STATE"}, {Title: "BEGAN"}, {Title: "BY"}, {Title: "PHOTOS", Right: true}, {Title: "TAGS", Right: true},
		{Title: "GAIN", Right: true}, {Title: "OTHERS", Right: true}, {Title: "APPLIED"},
	}
	rows := make([][]string, len(runs))
	for i, run := range runs {
		state, applied := run.State, "-"
		switch {
		case run.Serves:
			state = "serves"
		case unfit(run):
			state = "cannot be applied"
		}
		if run.Applied != "" {
			applied = ago(run.Applied, out.Now)
		}
		rows[i] = []string{
			strconv.Itoa(run.Number), state, ago(run.Began, out.Now), run.By, number(int64(run.Photos + run.Held)), learnedOf(run),
			shortGain(run.Gain), gained(run.Guard), applied,
		}
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	for _, run := range runs {
		if run.Reason == "" {
			continue
		}
		if err := out.printf("Run %d: %s\n", run.Number, table.Escape(run.Reason)); err != nil {
			return err
		}
	}
	return out.paragraph("GAIN is that of your tags, ± how far off it would be with other tags of the kind, OTHERS what became of other sentences, in points of percent: `vsectl learn report RUN` says more.")
}

// unfit reports whether what a run proposes failed its test when it was applied.
func unfit(run api.LearningRun) bool { return run.State == api.LearningProposed && run.Reason != "" }

func learnedOf(run api.LearningRun) string {
	if run.Tags == 0 {
		return "-"
	}
	return fmt.Sprintf("%s of %s", number(int64(run.Learned)), number(int64(run.Tags)))
}

func gained(m *api.LearningMeasure) string {
	if m == nil {
		return "-"
	}
	return points(m.Value)
}

// gain tells what is won with its interval, or that it may be won by chance.
func gain(m *api.LearningMeasure) string {
	if m == nil || chance(*m) {
		return shortGain(m)
	}
	return change(m, api.LearningMeasure{}, api.LearningMeasure{})
}

// shortGain is gain where there is little room.
func shortGain(m *api.LearningMeasure) string {
	switch {
	case m == nil:
		return "-"
	case chance(*m):
		return points(m.Value) + ", may be chance"
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
	return out.fields(learningFields(learning, out.Now))
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

func progressText(p api.LearningProgress) string {
	text := p.Step
	if p.Total > 0 {
		text += fmt.Sprintf(", %s of %s", number(int64(p.Done)), number(int64(p.Total)))
	}
	if p.Rate > 0 && p.SecondsLeft > 0 {
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
	text := fmt.Sprintf("%d, %s %s", run.Number, run.State, ago(cmp.Or(run.Ended, run.Began), now))
	switch {
	case run.Serves:
		text += ", it serves"
	case unfit(run):
		text += ", cannot be applied"
	case run.Applied != "":
		text += ", applied before"
	}
	if run.State == api.LearningStopped {
		return text + " by hand"
	}
	if run.Reason != "" {
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
	return fmt.Sprintf("a run begins %s if there are %d new tags by then", until(l.Next, now), l.Enough)
}

func newLearnRollbackCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "rollback", Usage: "go back to the encoder before the learned one, at once",
		Description: "`vsectl learn status` says which one that is. Your tags, and suggestions that you accepted\nor refused, stay as they are.",
		Flags:       append([]cli.Flag{jsonFlag()}, waitFlags()...),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn rollback takes no argument: to choose an encoder, `vsectl encoder use NAME`")
			}
			waits, err := waiting(c)
			if err != nil {
				return err
			}
			return runLearnRollback(c.Context, EncoderRollbackOptions{common(c), waits}, out)
		},
	})
}

func runLearnRollback(ctx context.Context, options EncoderRollbackOptions, out Screen) error {
	return rollBack(ctx, options, out, options.Client.RollBackLearning)
}

// LearnApplyOptions are those of `vsectl learn apply`.
type LearnApplyOptions struct {
	LearnOptions
	Waiting
}

func newLearnApplyCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "apply", Usage: "use what a run proposes, the newest proposal where none is named", ArgsUsage: "[RUN]",
		Description: "No photo is read for it: the vectors are made anew from what is stored, while the\nencoder that serves answers. `vsectl learn rollback` goes back at once.\n\n" +
			examples("vsectl learn apply", "vsectl learn apply 3"),
		Flags: append([]cli.Flag{jsonFlag()}, waitFlags()...),
		Action: func(c *cli.Context) error {
			run, err := numberOfRun("apply", c.Args().Slice())
			if err != nil {
				return err
			}
			waits, err := waiting(c)
			if err != nil {
				return err
			}
			return runLearnApply(c.Context, LearnApplyOptions{LearnOptions{common(c), run}, waits}, out)
		},
	})
}

func runLearnApply(ctx context.Context, options LearnApplyOptions, out Screen) error {
	run, err := options.proposal(ctx)
	if err != nil {
		return err
	}
	before, err := options.Client.Swap(ctx)
	if err != nil {
		return err
	}
	if !options.JSON && out.Width > 0 {
		if err := out.printf("Testing what run %d proposes …\n", run.Number); err != nil {
			return err
		}
	}
	swap, err := options.Client.ApplyLearning(ctx, run.Number)
	if err != nil {
		return err
	}
	return follow(ctx, follower{Common: options.Common, Waiting: options.Waiting, to: run.Encoder, last: before.Last, out: out}, swap)
}

// proposal gives the run that was named, or the proposal that waits.
func (o LearnOptions) proposal(ctx context.Context) (api.LearningRun, error) {
	if o.Run == 0 {
		learning, err := o.Client.Learning(ctx)
		if err == nil && learning.Proposal == nil {
			err = o.nothingWaits(ctx)
		}
		if err != nil {
			return api.LearningRun{}, err
		}
		return *learning.Proposal, nil
	}
	runs, err := o.Client.LearningRuns(ctx)
	if err != nil {
		return api.LearningRun{}, err
	}
	for _, run := range runs {
		if run.Number == o.Run {
			return run, nil
		}
	}
	return api.LearningRun{}, &notFoundError{fmt.Sprintf("there is no learning run %d: `vsectl learn list` shows those that are kept", o.Run)}
}

// nothingWaits says why there is no proposal to apply.
func (o LearnOptions) nothingWaits(ctx context.Context) error {
	runs, err := o.Client.LearningRuns(ctx)
	if err != nil {
		return err
	}
	text := "no proposal waits: `vsectl learn list` shows the runs, `vsectl learn start` starts one"
	if at := slices.IndexFunc(runs, func(run api.LearningRun) bool { return run.State == api.LearningProposed }); at >= 0 {
		switch run := runs[at]; {
		case run.Serves:
			text = fmt.Sprintf("no proposal waits: that of run %d, the newest, serves already", run.Number)
		case unfit(run):
			text = fmt.Sprintf("no proposal waits: that of run %d, the newest, cannot be applied: %s", run.Number, run.Reason)
		case run.Applied != "":
			text = fmt.Sprintf("no proposal waits: that of run %d, the newest, was applied before; `vsectl learn apply %d` takes it again", run.Number, run.Number)
		}
	}
	return &notFoundError{text}
}

// LearnStartOptions are those of `vsectl learn start`.
type LearnStartOptions struct {
	Common
	Waiting
}

func newLearnStartCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "start", Usage: "learn from your tags, and show what it brings",
		Description: learnHelp + "\nCtrl-C ends the waiting, not the run. It begins by itself at night when there are\nenough new tags, unless learn.auto is off.\n\n" +
			examples("vsectl learn start", "vsectl learn start --no-wait"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "no-wait", Usage: "return once it has begun", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn start takes no argument: it learns all tags")
			}
			options := LearnStartOptions{common(c), Waiting{Wait: !c.Bool("no-wait"), Poll: 250 * time.Millisecond, Print: 5 * time.Second}}
			return runLearnStart(c.Context, options, out)
		},
	})
}

func runLearnStart(ctx context.Context, options LearnStartOptions, out Screen) error {
	run, err := options.Client.StartLearning(ctx)
	if err != nil {
		return err
	}
	f := learningFollower{LearnStartOptions: options, number: run.Number, out: out}
	if !options.Wait {
		return f.begun(run)
	}
	ticker := time.NewTicker(options.Poll)
	defer ticker.Stop()
	for {
		learning, err := options.Client.Learning(ctx)
		switch {
		case ctx.Err() != nil:
			return f.left(ctx)
		case err != nil:
			return errors.Join(f.clear(), err)
		case learning.Run == nil || learning.Run.Number != run.Number:
			return errors.Join(f.clear(), f.finish(ctx))
		}
		if err := f.show(*learning.Run, learning.Progress); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return f.left(ctx)
		case <-ticker.C:
		}
	}
}

// A learningFollower shows a run until it is over.
type learningFollower struct {
	LearnStartOptions
	number int
	out    Screen

	printed time.Time
	drawn   bool
}

func (f *learningFollower) begun(run api.LearningRun) error {
	if f.JSON {
		return f.out.json(run)
	}
	return f.out.printf("Learning run %d has begun; `vsectl learn status` shows how far it is.\n", run.Number)
}

func (f *learningFollower) show(run api.LearningRun, p *api.LearningProgress) error {
	if f.JSON {
		return nil // the report is what counts
	}
	text := table.Escape("Learning, " + runText(run, p))
	if f.out.Width > 0 {
		f.drawn = true
		var done, total int64
		if p != nil {
			done, total = int64(p.Done), int64(p.Total)
		}
		return f.out.printf("\r%s\x1b[K", drawBar(done, total, text, f.out.Width))
	}
	if time.Since(f.printed) < f.Print {
		return nil
	}
	f.printed = time.Now()
	return f.out.printf("%s\n", text)
}

// clear takes the bar away.
func (f *learningFollower) clear() error {
	if !f.drawn {
		return nil
	}
	f.drawn = false
	return f.out.printf("\r\x1b[K")
}

// left tells a user who ends the waiting that the run goes on.
func (f *learningFollower) left(ctx context.Context) error {
	if !f.JSON {
		_ = f.clear() // the user is gone from here
		_ = f.out.printf("Learning run %d goes on; `vsectl learn status` shows how far it is, `vsectl learn stop` ends it.\n", f.number)
	}
	return ctx.Err()
}

func (f *learningFollower) finish(ctx context.Context) error {
	run, err := LearnOptions{Common: f.Common, Run: f.number}.proposal(ctx)
	if err != nil {
		return err
	}
	switch run.State {
	case api.LearningProposed, api.LearningRefused:
		return runLearnReport(ctx, LearnReportOptions{LearnOptions: LearnOptions{Common: f.Common, Run: f.number}}, f.out)
	}
	if run.State == api.LearningStopped {
		return fmt.Errorf("learning run %d was stopped by hand", run.Number)
	}
	return fmt.Errorf("learning run %d %s: %s", run.Number, endedAs(run.State), strings.TrimSpace(run.Reason))
}

func endedAs(state string) string {
	if state == api.LearningFailed {
		return state
	}
	return "was " + state
}
