package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// SwapCommandOptions are those of `vsectl encoder pause` and `resume`.
type SwapCommandOptions struct {
	Common
	Command string
}

func newEncoderPauseCommand(out Screen) *cli.Command {
	return newSwapCommand("pause", "stop encoding for the incoming encoder for a while; search goes on", out)
}

func newEncoderResumeCommand(out Screen) *cli.Command {
	return newSwapCommand("resume", "go on encoding for the incoming encoder", out)
}

func newSwapCommand(name, usage string, out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: name, Usage: usage, Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("encoder %s takes no argument", name)
			}
			return runSwapCommand(c.Context, SwapCommandOptions{common(c), name}, out)
		},
	})
}

func runSwapCommand(ctx context.Context, options SwapCommandOptions, out Screen) error {
	swap, err := options.Client.SwapCommand(ctx, options.Command)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(swap)
	}
	return out.say("%s", swapText(swap))
}
