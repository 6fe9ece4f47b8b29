package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// QuarantineRetryOptions are those of `vsectl quarantine retry`.
type QuarantineRetryOptions struct {
	Common
	// Files are those to try; none: all.
	Files []string
}

func newQuarantineRetryCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "retry", Usage: "have files tried again now", ArgsUsage: "FILE... | --all", Description: quarantineHelp + "\n\n" + examples("vsectl quarantine retry 12 ~/Pictures/a.jpg", "vsectl quarantine retry --all"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "all", Usage: "try every file that is set aside", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			files := c.Args().Slice()
			if c.Bool("all") == (len(files) > 0) {
				return usagef("quarantine retry takes either FILEs or --all: see `vsectl quarantine retry --help`")
			}
			return runQuarantineRetry(c.Context, QuarantineRetryOptions{Common: common(c), Files: files}, out)
		},
	})
}

func runQuarantineRetry(ctx context.Context, options QuarantineRetryOptions, out Screen) error {
	ids, err := fileIDs(ctx, options.Client, options.Files)
	if err != nil {
		return err
	}
	count, err := options.Client.RetryQuarantine(ctx, ids)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(api.Retried{Retried: count})
	} else if count > 0 {
		far := "they are"
		if count == 1 {
			far = "it is"
		}
		err = out.say("%s tried again; `vsectl status --watch` shows how far %s.", plural(count, "file is", "files are"), far)
	}
	switch asked := int64(len(ids)); {
	case err != nil:
		return err
	case count == 0 && asked == 0:
		return &notFoundError{"no file is set aside"}
	case count == 0:
		return &notFoundError{"none of these is set aside: `vsectl quarantine list` shows those that are"}
	case count < asked:
		return &partialError{fmt.Sprintf("%s not set aside (any more)", plural(asked-count, "other is", "others are"))}
	}
	return nil
}
