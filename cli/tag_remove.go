package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// TagRemoveOptions are those of `vsectl tag remove`.
type TagRemoveOptions struct {
	Common
	Photo string
	Names []string
}

func newTagRemoveCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "remove", Usage: "take tags from a photo, and show what is left", ArgsUsage: "PHOTO TAG...", Description: photoHelp,
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return usagef("tag remove takes a PHOTO and at least one TAG: see `vsectl tag remove --help`")
			}
			return runTagRemove(c.Context, TagRemoveOptions{Common: common(c), Photo: c.Args().First(), Names: c.Args().Tail()}, out)
		},
	})
}

func runTagRemove(ctx context.Context, options TagRemoveOptions, out Screen) error {
	id, err := findPhoto(ctx, options.Client, options.Photo)
	if err != nil {
		return err
	}
	tags, err := options.Client.RemoveTags(ctx, id, options.Names)
	if err != nil {
		return err
	}
	return showTags(tags, options.JSON, out)
}
