package watch

import (
	"context"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// InFolder runs work with the descriptor of a folder below the root, to which no
// symbolic link led; it is closed after work. It ends with ctx, and with
// ErrNotAnswering where the filesystem hangs: work may go on then, and must own
// what it uses. Errors are those of work, or name the folder.
func (r *Root) InFolder(ctx context.Context, relative string, work func(folder int) error) error {
	return r.call(ctx, func() error {
		root, err := openRoot(r.path)
		if err != nil {
			return err
		}
		defer unix.Close(root)
		folder, err := openBeneath(root, relative, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return fmt.Errorf("folder %s: %w", path.Join(r.path, relative), err)
		}
		defer unix.Close(folder)
		return work(folder)
	})
}
