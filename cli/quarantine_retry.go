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
	// IDs are the files to try; none: all.
	IDs []int64
}

func newQuarantineRetryCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "retry", Usage: "have files tried again now", ArgsUsage: "ID... | --all", Description: quarantineHelp,
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "all", Usage: "try every file that is set aside", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			ids, err := fileIDs(c.Args().Slice())
			if err == nil && c.Bool("all") == (len(ids) > 0) {
				err = usagef("quarantine retry takes either IDs or --all: see `vsectl quarantine retry --help`")
			}
			if err != nil {
				return err
			}
			return runQuarantineRetry(c.Context, QuarantineRetryOptions{Common: common(c), IDs: ids}, out)
		},
	})
}

func runQuarantineRetry(ctx context.Context, options QuarantineRetryOptions, out Screen) error {
	count, err := options.Client.RetryQuarantine(ctx, options.IDs)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(api.Retried{Retried: count})
	} else if count > 0 {
		err = out.printf("%s tried again; `vsectl status --watch` shows how far they are.\n", plural(count, "file is", "files are"))
	}
	switch asked := int64(len(options.IDs)); {
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
