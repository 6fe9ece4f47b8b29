package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// LearnStartOptions are those of `vsectl learn start`.
type LearnStartOptions struct {
	Common
	Waiting
}

func newLearnStartCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "start", Usage: "learn from your tags, and show what it brings",
		Description: learnHelp + "\nCtrl-C ends the waiting, not the run. It begins by itself at night when there\nare enough new tags, unless learn.auto is off.\n\nA run that ends without a proposal has done its work: the exit code is 0, and\nthe report says why. One that failed or was stopped gives 2.\n\n" +
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
	f := learningFollower{LearnStartOptions: options, number: run.Number, out: out, bar: bar{out: out}}
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
			return errors.Join(f.bar.clear(), err)
		case learning.Run == nil || learning.Run.Number != run.Number:
			return errors.Join(f.bar.clear(), f.finish(ctx))
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
	step    string
	bar     bar
}

func (f *learningFollower) begun(run api.LearningRun) error {
	if f.JSON {
		return f.out.json(run)
	}
	return f.out.say("Learning run %d has begun; `vsectl learn status` shows how far it is.", run.Number)
}

func (f *learningFollower) show(run api.LearningRun, p *api.LearningProgress) error {
	if f.JSON {
		return nil // the report is what counts
	}
	text := "Learning, " + runText(run, p)
	if f.out.Width > 0 {
		return f.draw(p, text)
	}
	if time.Since(f.printed) < f.Print {
		return nil
	}
	f.printed = time.Now()
	return f.out.say("%s", text)
}

// draw draws the bar, anew with each step of the run.
func (f *learningFollower) draw(p *api.LearningProgress, text string) error {
	if p == nil || !counts(*p) {
		p = &api.LearningProgress{}
	}
	if p.Step != f.step {
		f.step, f.bar.widest = p.Step, 0
	}
	return f.bar.draw(int64(p.Done), int64(p.Total), text)
}

// left tells a user who ends the waiting that the run goes on.
func (f *learningFollower) left(ctx context.Context) error {
	if !f.JSON {
		_ = f.bar.clear() // the user is gone from here
		_ = f.out.say("Learning run %d goes on; `vsectl learn status` shows how far it is, `vsectl learn stop` ends it.", f.number)
	}
	return ctx.Err()
}

func (f *learningFollower) finish(ctx context.Context) error {
	run, err := LearnOptions{Common: f.Common, Run: f.number}.proposal(ctx)
	if err != nil {
		return err
	}
	switch run.State {
	case api.LearningProposed, api.LearningNoProposal:
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
