package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/text/unicode/norm"

	"vsed/daemon/api"
)

// TagRemoveOptions are those of `vsectl tag remove`.
type TagRemoveOptions struct {
	Common
	Photo string
	Names []string
}

func newTagRemoveCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "remove", Usage: "take tags from a photo, whoever gave them, and show what is left", ArgsUsage: "PHOTO TAG...",
		Description: photoHelp + "\n\nWhat the photo's file or a sidecar gave stays off, whatever they\nsay, until `vsectl tag add` brings it back.\n\n" + examples("vsectl tag remove id:75 holiday"),
		Flags:       []cli.Flag{jsonFlag()},
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
	before, err := options.Client.Tags(ctx, id)
	if err != nil {
		return err
	}
	tags, err := options.Client.RemoveTags(ctx, id, options.Names)
	if err == nil {
		err = showTags(tags, options.JSON, out)
	}
	if err != nil {
		return err
	}
	return absentTags(before, options.Names)
}

// sameTag reports whether two words are one tag to the daemon.
func sameTag(a, b string) bool {
	return strings.EqualFold(norm.NFC.String(a), norm.NFC.String(b))
}

// absentTags tells of names that could not be removed, as no source had given
// them, in any spelling. One that a file or sidecar gave is removed as the user's own is: it stays
// off, whatever they say.
func absentTags(before []api.Tag, names []string) error {
	absent := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(before, func(tag api.Tag) bool {
			return sameTag(tag.Name, strings.Join(strings.Fields(name), " "))
		})
	})
	if len(absent) == 0 {
		return nil
	}
	reason := fmt.Sprintf("the photo has no tag %q: `vsectl tag list` shows those that it has", absent[0])
	if len(absent) < len(names) {
		return &partialError{reason}
	}
	return &notFoundError{reason}
}
