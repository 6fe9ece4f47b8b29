package cli

import (
	"context"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// photoNumber is a line that looks like a PHOTO. As a tag it would be a slip.
var photoNumber = regexp.MustCompile(`(?m)^id:[0-9]+$`)

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
			if number := photoNumber.FindString(strings.Join(c.Args().Tail(), "\n")); number != "" {
				return usagef("%q names a photo, not a tag: tag add takes one PHOTO, run it once for each", number)
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
