package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// FolderAddOptions are those of `vsectl folder add`.
type FolderAddOptions struct {
	Common
	Folder string
}

func newFolderAddCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "add", Usage: "watch a folder and all below it", ArgsUsage: "FOLDER",
		Description: examples("vsectl folder add /srv/photos && vsectl status --watch"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("folder add takes one FOLDER")
			}
			return runFolderAdd(c.Context, FolderAddOptions{Common: common(c), Folder: c.Args().First()}, out)
		},
	})
}

func runFolderAdd(ctx context.Context, options FolderAddOptions, out Screen) error {
	path, err := absolutePath(options.Folder)
	if err != nil {
		return err
	}
	folder, err := options.Client.AddFolder(ctx, path)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(folder)
	}
	return out.say("Watching %s; `vsectl status --watch` shows how far its photos are.", rawPath(folder.Path))
}
