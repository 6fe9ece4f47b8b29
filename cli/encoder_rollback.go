package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// EncoderRollbackOptions are those of `vsectl encoder rollback`.
type EncoderRollbackOptions struct {
	Common
	Waiting
}

func newEncoderRollbackCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "rollback", Usage: "go back to the encoder before, with the vectors that it has",
		Description: "Photos that came since are found by keywords until it has encoded them, which\nit begins at once.",
		Flags:       append([]cli.Flag{jsonFlag()}, waitFlags()...),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("encoder rollback takes no argument: to choose an encoder, `vsectl encoder use NAME`")
			}
			waits, err := waiting(c)
			if err != nil {
				return err
			}
			return runEncoderRollback(c.Context, EncoderRollbackOptions{common(c), waits}, out)
		},
	})
}

func runEncoderRollback(ctx context.Context, options EncoderRollbackOptions, out Screen) error {
	return rollBack(ctx, options, out, func(ctx context.Context) (api.Swap, error) { return options.Client.SwapCommand(ctx, "rollback") })
}

// rollBack asks for a roll-back and follows it.
func rollBack(ctx context.Context, options EncoderRollbackOptions, out Screen, begin func(context.Context) (api.Swap, error)) error {
	before, err := options.Client.Swap(ctx)
	if err != nil {
		return err
	}
	swap, err := begin(ctx)
	if err != nil {
		return err
	}
	to := swap.To
	if swap.Stage == api.SwapNone && swap.Last != nil {
		to = swap.Last.To // it was done before the answer
	}
	return follow(ctx, follower{Common: options.Common, Waiting: options.Waiting, to: to, last: before.Last, end: true, out: out}, swap)
}
