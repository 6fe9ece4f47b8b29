package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// QuarantineListOptions are those of `vsectl quarantine list`.
type QuarantineListOptions struct {
	Common
	Limit  int
	Cursor string
}

func newQuarantineListCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "list", Usage: "show the files that were set aside, and why",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.IntFlag{Name: "limit", Usage: fmt.Sprintf("show at most `N` files, 1 to %d", api.MaxLimit), Value: api.DefaultQuarantineLimit},
			&cli.StringFlag{Name: "cursor", Usage: "go on where an earlier page ended, at its `CURSOR`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("quarantine list takes no argument")
			}
			options := QuarantineListOptions{Common: common(c), Limit: c.Int("limit"), Cursor: c.String("cursor")}
			return runQuarantineList(c.Context, options, out)
		},
	})
}

func runQuarantineList(ctx context.Context, options QuarantineListOptions, out Screen) error {
	if err := checkLimit(options.Limit); err != nil {
		return err
	}
	page, err := options.Client.Quarantine(ctx, options.Limit, options.Cursor)
	if err != nil {
		return err
	}
	switch {
	case options.JSON:
		err = out.json(page)
	case len(page.Files) == 0:
		err = out.say("No file is set aside.")
	default:
		err = showQuarantinePage(page, out)
	}
	if err == nil && len(page.Files) == 0 {
		return errNone
	}
	return err
}

func showQuarantinePage(page api.QuarantineList, out Screen) error {
	if err := showQuarantined(page.Files, out); err != nil {
		return err
	}
	return showNext(page.Next, out)
}
