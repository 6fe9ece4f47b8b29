package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"vsed/cli/xmp"
	"vsed/daemon/api"
)

// exportXMP writes a document for each file below a folder that it makes. It
// overwrites nothing and writes into no photo folder: sidecars beside the photos
// are the daemon's, where it is told to write them.
func exportXMP(ctx context.Context, options ExportTagsOptions, out Screen) error {
	folders, err := options.Client.Folders(ctx)
	if err != nil {
		return err
	}
	root, err := openOutput(options.Output, folders)
	if err != nil {
		return err
	}
	defer root.Close()
	export := xmpExport{root: root}
	for photo, err := range options.Client.ExportedTags(ctx) {
		if err == nil {
			err = export.add(photo)
		}
		if err != nil {
			return err
		}
	}
	return export.report(options.Output, out)
}

// openOutput makes the folder where there is none. Writes through its result
// cannot leave it, whatever the photos' paths are.
func openOutput(folder string, watched []api.Folder) (*os.Root, error) {
	direct, err := realPath(folder)
	if err != nil {
		return nil, fmt.Errorf("look at the output folder: %w", err)
	}
	if err := checkApart(direct, watched); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(direct, 0o755); err != nil {
		return nil, fmt.Errorf("make the output folder: %w", err)
	}
	entries, err := os.ReadDir(direct)
	if err != nil {
		return nil, fmt.Errorf("look at the output folder: %w", err)
	}
	if len(entries) > 0 {
		return nil, usagef("the output folder %q is not empty: name a new one, as nothing is overwritten", folder)
	}
	return os.OpenRoot(direct)
}

// realPath is absolute and without links as far as it exists.
func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	direct, err := filepath.EvalSymlinks(absolute)
	if !errors.Is(err, fs.ErrNotExist) {
		return direct, err
	}
	above, err := realPath(filepath.Dir(absolute))
	return filepath.Join(above, filepath.Base(absolute)), err
}

// checkApart refuses a folder for output in which photos lie.
func checkApart(output string, watched []api.Folder) error {
	for _, folder := range watched {
		path := rawPath(folder.Path)
		if direct, err := filepath.EvalSymlinks(path); err == nil {
			path = direct
		}
		if relative, err := filepath.Rel(path, output); err == nil && filepath.IsLocal(relative) {
			return usagef("the output folder %q lies in the photo folder %q: name one outside", output, path)
		}
	}
	return nil
}

// An xmpExport counts what it writes.
type xmpExport struct {
	root               *os.Root
	documents, without int64
	// tooLong counts documents whose name the system does not take, as it is
	// that of the photo and four bytes more.
	tooLong int64
}

func (e *xmpExport) add(photo api.Photo) error {
	var names []string
	for _, tag := range photo.Tags {
		if tag.Source != "learned" && !slices.Contains(names, tag.Name) {
			names = append(names, tag.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if len(photo.Paths) == 0 {
		e.without++
		return nil
	}
	document := xmp.Document(names)
	for _, path := range photo.Paths {
		if err := e.write(path, document); err != nil {
			return err
		}
	}
	return nil
}

func (e *xmpExport) write(path api.Path, document []byte) error {
	raw, err := path.Raw()
	if err != nil {
		return fmt.Errorf("read the path %q: %w", path.Text, err)
	}
	name := strings.TrimLeft(raw, "/") + ".xmp"
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the path %q is not that of a file: is the daemon's version another?", raw)
	}
	err = e.create(name, document)
	switch {
	case errors.Is(err, syscall.ENAMETOOLONG):
		e.tooLong++
		return nil
	case err != nil:
		return fmt.Errorf("write an XMP document: %w", err)
	}
	e.documents++
	return nil
}

// create never replaces: what appeared in the folder meanwhile is not ours.
func (e *xmpExport) create(name string, document []byte) error {
	if err := e.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := e.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: two exports into one folder?", err)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(document)
	return errors.Join(err, file.Close())
}

func (e *xmpExport) report(folder string, out Screen) error {
	if err := out.say("%s written below %s.", plural(e.documents, "XMP document", "XMP documents"), folder); err != nil {
		return err
	}
	var reasons []string
	if e.without > 0 {
		reasons = append(reasons, plural(e.without, "photo is", "photos are")+" left out of which no file is known, as the folder was removed; `--format csv` has them with the path that they had")
	}
	if e.tooLong > 0 {
		reasons = append(reasons, plural(e.tooLong, "file is", "files are")+" left out whose name is too long to take .xmp; `--format csv` has them")
	}
	if len(reasons) > 0 {
		return &partialError{strings.Join(reasons, "; ")}
	}
	return nil
}
