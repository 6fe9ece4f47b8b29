package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// EncoderListOptions are those of `vsectl encoder list`.
type EncoderListOptions struct{ Common }

func newEncoderListCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "list", Usage: "show the installed encoders, and which one serves",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("encoder list takes no argument")
			}
			return runEncoderList(c.Context, EncoderListOptions{common(c)}, out)
		},
	})
}

func runEncoderList(ctx context.Context, options EncoderListOptions, out Screen) error {
	encoders, err := options.Client.Encoders(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(api.EncoderList{Encoders: encoders})
	}
	columns := []table.Column{
		{Title: "NAME"}, {Title: "STATE"}, {Title: "ENCODED", Right: true},
		{Title: "SIZE", Right: true}, {Title: "LICENCE", Shorten: table.End}, {Title: "MODEL", Shorten: table.End},
	}
	rows := make([][]string, len(encoders))
	for i, one := range encoders {
		rows[i] = []string{one.Name, one.State, covered(one.Coverage), bytesText(one.Bytes), one.Licence, one.Model}
	}
	return out.table(columns, rows)
}
