package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// LearnApplyOptions are those of `vsectl learn apply`.
type LearnApplyOptions struct {
	LearnOptions
	Waiting
}

func newLearnApplyCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "apply", Usage: "use what a run proposes, the newest proposal where none is named", ArgsUsage: "[RUN]",
		Description: "No photo is read for it: the vectors are made anew from what is stored, while\nthe encoder that serves answers. `vsectl learn rollback` goes back at once.\n\n" +
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
	if run.State == api.LearningProposed && !run.Serves && !options.JSON && out.Width > 0 {
		if err := out.say("Testing what run %d proposes …", run.Number); err != nil {
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
		default:
			text = fmt.Sprintf("no proposal waits: that of run %d, the newest, is on top of %s, which does not serve now: `vsectl status` shows what does", run.Number, run.From)
		}
	}
	return &notFoundError{text}
}
