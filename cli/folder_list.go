package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// FolderListOptions are those of `vsectl folder list`.
type FolderListOptions struct{ Common }

func newFolderListCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "list", Usage: "show the watched folders",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("folder list takes no argument")
			}
			return runFolderList(c.Context, FolderListOptions{common(c)}, out)
		},
	})
}

func runFolderList(ctx context.Context, options FolderListOptions, out Screen) error {
	folders, err := options.Client.Folders(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(api.FolderList{Folders: folders})
	} else {
		err = showFolders(folders, out)
	}
	if err == nil && len(folders) == 0 {
		return errNone
	}
	return err
}
