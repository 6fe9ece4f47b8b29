package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// LearnRefusalsOptions are those of `vsectl learn refusals`.
type LearnRefusalsOptions struct {
	Common
	Tag    string
	Limit  int
	Cursor string
}

func newLearnRefusalsCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "refusals", Usage: "show the suggestions that you refused",
		Description: "`vsectl learn unrefuse` takes a refusal back, `vsectl learn accept` makes a\ntag of yours of it.\n\n" +
			examples("vsectl learn refusals", "vsectl learn refusals --tag beach"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "tag", Usage: "only the tag `TAG`"},
			&cli.IntFlag{Name: "limit", Usage: fmt.Sprintf("show at most `N`, 1 to %d", api.MaxLimit), Value: api.DefaultSuggestions},
			&cli.StringFlag{Name: "cursor", Usage: "go on where an earlier page ended, at its `CURSOR`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn refusals takes no argument: for one tag, --tag TAG")
			}
			return runLearnRefusals(c.Context, LearnRefusalsOptions{common(c), c.String("tag"), c.Int("limit"), c.String("cursor")}, out)
		},
	})
}

func runLearnRefusals(ctx context.Context, options LearnRefusalsOptions, out Screen) error {
	if err := checkLimit(options.Limit); err != nil {
		return err
	}
	page, err := options.Client.Refusals(ctx, api.RefusalsRequest{Tag: options.Tag, Limit: options.Limit, Cursor: options.Cursor})
	if err != nil {
		return err
	}
	switch {
	case options.JSON:
		err = out.json(page)
	case len(page.Refusals) == 0:
		err = out.say("No suggestion was refused.")
	default:
		err = showRefusals(page, out)
	}
	if err == nil && len(page.Refusals) == 0 {
		return errNone
	}
	return err
}

func showRefusals(page api.RefusalList, out Screen) error {
	columns := []table.Column{{Title: "PHOTO", Right: true}, {Title: "TAG", Shorten: table.End}, {Title: "PATH", Shorten: table.Middle}}
	rows := make([][]string, len(page.Refusals))
	for i, one := range page.Refusals {
		rows[i] = []string{fmt.Sprintf("id:%d", one.Photo), one.Tag, rawPath(one.Path)}
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	return showNext(page.Next, out)
}
