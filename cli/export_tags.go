package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

const exportHelp = `Exported is every photo that you have tagged, with all its tags.

   csv   to standard output: a row for each tag of each file, with the
         columns path, path_base64 (the exact bytes, where they are no
         UTF-8), digest (SHA-256 of the content), tag, source and note. A
         photo of which no file is known has the note "folder removed", and
         the path that it had then. A tag that a spreadsheet could take for
         a formula, or that begins with ', carries one ' more.
   xmp   one document for each file, as other programs read it, below the new
         folder DIR: that of /photos/a.jpg is DIR/photos/a.jpg.xmp. Photos
         of which no file is known are left out, and so are tags that were
         learned, as XMP cannot say who gave a tag.`

// ExportTagsOptions are those of `vsectl export tags`.
type ExportTagsOptions struct {
	Common
	Format string
	// Output is the folder of the XMP documents, new or empty.
	Output string
}

func newExportTagsCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "tags", Usage: "write out the tags of your photos", Description: exportHelp + "\n\n" + examples("vsectl export tags >tags.csv", "vsectl export tags --json", "vsectl export tags --format xmp --output ~/tags"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print the API's objects, one a line for each photo", DisableDefaultText: true},
			&cli.StringFlag{Name: "format", Usage: "write `FORMAT`: csv or xmp", Value: "csv"},
			&cli.StringFlag{Name: "output", Usage: "write the XMP documents below `DIR`"},
		},
		Action: func(c *cli.Context) error {
			options := ExportTagsOptions{Common: common(c), Format: c.String("format"), Output: c.String("output")}
			switch {
			case c.NArg() > 0:
				return usagef("export tags takes no argument")
			case options.JSON && (c.IsSet("format") || c.IsSet("output")):
				return usagef("--json goes without --format and --output: it prints the photos as the API has them")
			}
			return runExportTags(c.Context, options, out)
		},
	})
}

func runExportTags(ctx context.Context, options ExportTagsOptions, out Screen) error {
	switch {
	case options.JSON:
		return exportJSON(ctx, options, out)
	case options.Format == "xmp" && options.Output == "":
		return usagef("name the folder for the XMP documents with --output DIR")
	case options.Format == "xmp":
		return exportXMP(ctx, options, out)
	case options.Format != "csv":
		return usagef("--format %q is not known: give csv or xmp, or --json instead", options.Format)
	case options.Output != "":
		return usagef("CSV goes to standard output: write `> FILE` instead of --output")
	case out.Width > 0:
		// A terminal acts on what strangers wrote.
		visible := &visibleLines{out: out}
		if err := options.Client.ExportTagsCSV(ctx, visible); err != nil {
			return err
		}
		return visible.finish()
	}
	return options.Client.ExportTagsCSV(ctx, out)
}

func exportJSON(ctx context.Context, options ExportTagsOptions, out Screen) error {
	for photo, err := range options.Client.ExportedTags(ctx) {
		if err == nil {
			err = out.jsonLine(photo)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
