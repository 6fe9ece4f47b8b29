package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// TagAddOptions are those of `vsectl tag add`.
type TagAddOptions struct {
	Common
	Photo string
	Names []string
}

func newTagAddCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "add", Usage: "give a photo tags, and show all that it has", ArgsUsage: "PHOTO TAG...", Description: photoHelp + "\n\n" + examples(`vsectl tag add ~/Pictures/a.jpg holiday "Aunt Mary"`, "vsectl tag add id:75 holiday"),
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return usagef("tag add takes a PHOTO and at least one TAG: see `vsectl tag add --help`")
			}
			return runTagAdd(c.Context, TagAddOptions{Common: common(c), Photo: c.Args().First(), Names: c.Args().Tail()}, out)
		},
	})
}

func runTagAdd(ctx context.Context, options TagAddOptions, out Screen) error {
	id, err := findPhoto(ctx, options.Client, options.Photo)
	if err != nil {
		return err
	}
	tags, err := options.Client.AddTags(ctx, id, options.Names)
	if err != nil {
		return err
	}
	return showTags(tags, options.JSON, out)
}
