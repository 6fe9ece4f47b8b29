package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"
)

// EncoderTestOptions are those of `vsectl encoder test`.
type EncoderTestOptions struct {
	Common
	Name string
}

func newEncoderTestCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "test", Usage: "run the self-test of an encoder, in a process of its own", ArgsUsage: "NAME",
		Description: examples("vsectl encoder test builtin"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			name, err := named("test", c.Args().Slice())
			if err != nil {
				return err
			}
			return runEncoderTest(c.Context, EncoderTestOptions{common(c), name}, out)
		},
	})
}

func runEncoderTest(ctx context.Context, options EncoderTestOptions, out Screen) error {
	test, err := options.Client.TestEncoder(ctx, options.Name)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(test)
	} else {
		err = showTest(test, out)
	}
	if err == nil && !test.Passed {
		err = fmt.Errorf("%s did not pass: %s", options.Name, test.Failure)
	}
	return err
}
