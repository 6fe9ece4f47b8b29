package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// photoHelp explains the argument PHOTO of the tag commands.
const photoHelp = "PHOTO is a file's path, or id:N with the number that `vsectl search` shows."

// TagListOptions are those of `vsectl tag list`.
type TagListOptions struct {
	Common
	Photo string
}

func newTagListCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "list", Usage: "show the tags of a photo", ArgsUsage: "PHOTO", Description: photoHelp + "\n\n" + examples("vsectl tag list id:75"),
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("tag list takes one PHOTO: see `vsectl tag list --help`")
			}
			return runTagList(c.Context, TagListOptions{Common: common(c), Photo: c.Args().First()}, out)
		},
	})
}

func runTagList(ctx context.Context, options TagListOptions, out Screen) error {
	id, err := findPhoto(ctx, options.Client, options.Photo)
	if err != nil {
		return err
	}
	tags, err := options.Client.Tags(ctx, id)
	if err != nil {
		return err
	}
	if err := showTags(tags, options.JSON, out); err != nil {
		return err
	}
	if len(tags) == 0 {
		return errNone
	}
	return nil
}

func showTags(tags []api.Tag, asJSON bool, out Screen) error {
	if asJSON {
		return out.json(api.TagList{Tags: tags})
	}
	if len(tags) == 0 {
		return out.say("The photo has no tags.")
	}
	var rows [][]string
	for _, tag := range tags {
		rows = append(rows, []string{tag.Name, tag.Source})
	}
	return out.table([]table.Column{{Title: "TAG", Shorten: table.End}, {Title: "SOURCE"}}, rows)
}
