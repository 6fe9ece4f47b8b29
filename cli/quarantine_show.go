package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// QuarantineShowOptions are those of `vsectl quarantine show`.
type QuarantineShowOptions struct {
	Common
	File string
}

func newQuarantineShowCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "show", Usage: "show why one file was set aside, and when it is tried again", ArgsUsage: "FILE", Description: quarantineHelp + "\n\n" + examples("vsectl quarantine show 12", "vsectl quarantine show ~/Pictures/a.jpg"),
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("quarantine show takes one FILE: see `vsectl quarantine show --help`")
			}
			return runQuarantineShow(c.Context, QuarantineShowOptions{Common: common(c), File: c.Args().First()}, out)
		},
	})
}

func runQuarantineShow(ctx context.Context, options QuarantineShowOptions, out Screen) error {
	id, err := fileID(ctx, options.Client, options.File)
	if err != nil {
		return err
	}
	file, err := options.Client.QuarantinedFile(ctx, id)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(file)
	}
	next := fmt.Sprintf("when the file changes, or on `vsectl quarantine retry %d`", file.ID)
	if file.NextAttempt != "" {
		next = moment(file.NextAttempt) + ", " + until(file.NextAttempt, out.Now)
	}
	last := moment(file.LastAttempt)
	if age := ago(file.LastAttempt, out.Now); strings.HasSuffix(age, " ago") {
		last += ", " + age
	}
	return out.fields([]field{
		{"File", rawPath(file.Path)},
		{"Reason", file.Reason},
		{"Tried", times(file.Attempts)},
		{"Last try", last},
		{"Next try", next},
	})
}
