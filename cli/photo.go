package cli

import (
	"context"
	"fmt"
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
	path, err := filepath.Abs(argument)
	if err != nil {
		return 0, fmt.Errorf("make %q absolute: %w", argument, err)
	}
	photos, err := client.PhotosByPath(ctx, path)
	if err != nil {
		return 0, err
	}
	if direct, err := filepath.EvalSymlinks(path); len(photos) == 0 && err == nil && direct != path {
		if photos, err = client.PhotosByPath(ctx, direct); err != nil {
			return 0, err
		}
	}
	return onlyPhoto(photos, path)
}

func onlyPhoto(photos []api.Photo, path string) (int64, error) {
	switch len(photos) {
	case 0:
		return 0, &notFoundError{fmt.Sprintf("no photo is known at %q: is its folder watched (`vsectl folder list`) and the file read by now (`vsectl status`)?", path)}
	case 1:
		return photos[0].ID, nil
	}
	var numbers []string
	for _, photo := range photos {
		numbers = append(numbers, fmt.Sprintf("id:%d", photo.ID))
	}
	return 0, usagef("several photos are known at %q: name one of %s", path, strings.Join(numbers, ", "))
}
