package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// EncoderUseOptions are those of `vsectl encoder use`.
type EncoderUseOptions struct {
	Common
	Waiting
	Name string
	// Now cuts over without the folders that are offline.
	Now bool
}

const encoderUseHelp = `The encoder is tested, then encodes the library, newest photos first, while
the one that serves answers. It takes over when every photo that can be read
is encoded; folders that are offline are waited for, unless --now is given.
Ctrl-C ends the waiting, not the swap. To use the encoder that serves ends
it.`

func newEncoderUseCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "use", Usage: "have another encoder take over once it has encoded the library", ArgsUsage: "NAME",
		Description: encoderUseHelp + "\n\n" + examples("vsectl encoder use vit-b-32__openai", "vsectl encoder use --now --no-wait vit-b-32__openai"),
		Flags: append([]cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "now", Usage: "do not wait for folders that are offline", DisableDefaultText: true},
		}, waitFlags()...),
		Action: func(c *cli.Context) error {
			name, err := named("use", c.Args().Slice())
			if err != nil {
				return err
			}
			waits, err := waiting(c)
			if err != nil {
				return err
			}
			return runEncoderUse(c.Context, EncoderUseOptions{common(c), waits, name, c.Bool("now")}, out)
		},
	})
}

func runEncoderUse(ctx context.Context, options EncoderUseOptions, out Screen) error {
	before, err := options.Client.Swap(ctx)
	if err != nil {
		return err
	}
	if !options.JSON && out.Width > 0 {
		if err := out.say("Testing %s …", options.Name); err != nil {
			return err
		}
	}
	swap, err := options.Client.UseEncoder(ctx, api.SwapRequest{Encoder: options.Name, Now: options.Now})
	if err != nil {
		return err
	}
	if before.Stage != api.SwapNone && before.From == options.Name && swap.Stage == api.SwapNone {
		return showCancelled(before, swap, options.Common, out)
	}
	return follow(ctx, follower{Common: options.Common, Waiting: options.Waiting, to: options.Name, last: before.Last, out: out}, swap)
}

// showCancelled tells that what was asked for ended a swap to another encoder.
func showCancelled(before, swap api.Swap, common Common, out Screen) error {
	if common.JSON {
		return out.jsonLine(swap)
	}
	return out.say("The swap to %s is ended; %s goes on serving.", before.To, before.From)
}

// Waiting says whether a command waits for the end of a swap: it asks every
// Poll, and where the output is no terminal prints a line every Print.
type Waiting struct {
	Wait        bool
	Poll, Print time.Duration
}

func waitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "wait", Usage: "show progress until it serves, as happens without an option", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-wait", Usage: "return once it has begun", DisableDefaultText: true},
	}
}

func waiting(c *cli.Context) (Waiting, error) {
	if c.Bool("wait") && c.Bool("no-wait") {
		return Waiting{}, usagef("give either --wait or --no-wait")
	}
	return Waiting{Wait: !c.Bool("no-wait"), Poll: 250 * time.Millisecond, Print: 5 * time.Second}, nil
}
