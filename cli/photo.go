package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vsed/daemon/api"
)

// findPhoto gives the number of the photo that argument names: "id:N", or the
// path of a file. The daemon knows a file by the path below its folder; where
// the user comes by a symbolic link, the path without links is tried too.
func findPhoto(ctx context.Context, client *api.Client, argument string) (int64, error) {
	if number, found := strings.CutPrefix(argument, "id:"); found {
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id < 1 {
			return 0, usagef("%q is no photo's number: write id:12, or ./%s for a file of that name", argument, argument)
		}
		return id, nil
	}
	paths, err := pathsOf(argument)
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		photos, err := client.PhotosByPath(ctx, path)
		if err != nil {
			return 0, err
		}
		if len(photos) > 0 {
			return onlyPhoto(photos, path)
		}
	}
	return 0, unknownPhoto(ctx, client, paths)
}

// pathsOf gives the absolute path that argument names, and the one without
// symbolic links where that is another.
func pathsOf(argument string) ([]string, error) {
	path, err := absolutePath(argument)
	if err != nil {
		return nil, err
	}
	if direct, err := filepath.EvalSymlinks(path); err == nil && direct != path {
		return []string{path, direct}, nil
	}
	return []string{path}, nil
}

// absolutePath refuses no path, which would be the folder one is in.
func absolutePath(argument string) (string, error) {
	if argument == "" {
		return "", usagef("the path is empty: name a file or folder")
	}
	path, err := filepath.Abs(argument)
	if err != nil {
		return "", fmt.Errorf("make %q absolute: %w", argument, err)
	}
	return path, nil
}

// unknownPhoto says what is known of a file that is no photo.
func unknownPhoto(ctx context.Context, client *api.Client, paths []string) error {
	file, found, err := client.QuarantinedAt(ctx, paths...)
	switch {
	case err != nil:
		return err
	case found:
		return &notFoundError{fmt.Sprintf("the file %q was set aside (%s): see `vsectl quarantine show %d`", rawPath(file.Path), file.Reason, file.ID)}
	}
	if info, err := os.Stat(paths[0]); err == nil && info.IsDir() {
		return usagef("%q is a folder: name one photo", paths[0])
	}
	return &notFoundError{fmt.Sprintf("no photo is known at %q: is its folder watched (`vsectl folder list`) and the file read by now (`vsectl status`)?", paths[0])}
}

// onlyPhoto wants one photo; two stood at the path one after the other.
func onlyPhoto(photos []api.Photo, path string) (int64, error) {
	if len(photos) == 1 {
		return photos[0].ID, nil
	}
	var numbers []string
	for _, photo := range photos {
		numbers = append(numbers, fmt.Sprintf("id:%d", photo.ID))
	}
	return 0, usagef("several photos are known at %q: name one of %s", path, strings.Join(numbers, ", "))
}
