package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// EncoderRemoveOptions are those of `vsectl encoder remove`.
type EncoderRemoveOptions struct {
	Common
	Name string
}

func newEncoderRemoveCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "remove", Usage: "delete an encoder that does not serve, and its vectors", ArgsUsage: "NAME",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print nothing: the API answers without an object", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			name, err := named("remove", c.Args().Slice())
			if err != nil {
				return err
			}
			return runEncoderRemove(c.Context, EncoderRemoveOptions{common(c), name}, out)
		},
	})
}

func runEncoderRemove(ctx context.Context, options EncoderRemoveOptions, out Screen) error {
	if err := options.Client.RemoveEncoder(ctx, options.Name); err != nil || options.JSON {
		return err
	}
	return out.say("%s and its vectors are deleted.", options.Name)
}
