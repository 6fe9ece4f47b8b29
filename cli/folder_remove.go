package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

// FolderRemoveOptions are those of `vsectl folder remove`.
type FolderRemoveOptions struct {
	Common
	Folder string
}

func newFolderRemoveCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "remove", Usage: "stop watching a folder; its files are not touched", ArgsUsage: "FOLDER",
		Description: "Tags of its photos are kept, and theirs again when the folder is added again.\nA folder that the configuration names, or --folder, comes back at the next\nstart or reload: take it out there, too.\n\n" + examples("vsectl folder remove /srv/photos"),
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print nothing: the API answers without an object", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("folder remove takes one FOLDER")
			}
			return runFolderRemove(c.Context, FolderRemoveOptions{Common: common(c), Folder: c.Args().First()}, out)
		},
	})
}

func runFolderRemove(ctx context.Context, options FolderRemoveOptions, out Screen) error {
	path, err := absolutePath(options.Folder)
	if err != nil {
		return err
	}
	if err := options.Client.RemoveFolder(ctx, path); err != nil || options.JSON {
		return err
	}
	return out.say("No longer watching %s; its files are not touched.", path)
}
