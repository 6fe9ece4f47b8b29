package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func newLearnRollbackCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "rollback", Usage: "go back to the encoder before the learned one, at once",
		Description: "`vsectl learn status` says which one that is. Your tags, and suggestions\nthat you accepted or refused, stay as they are.",
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
