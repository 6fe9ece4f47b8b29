package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"vsed/daemon/api"
)

// likePattern finds each like: of a query with its value, and what stands in
// quotation marks, in which there is none.
var likePattern = regexp.MustCompile(`"[^"]*"|(^|[\s(-])(like:)("[^"]*"|[^\s()"]+)`)

// sendPictures sends the pictures that a query names and the library does not hold,
// and writes into it what stands for them. The daemon may not be able to read them,
// and is not asked to.
func sendPictures(ctx context.Context, client *api.Client, query string) (string, error) {
	var failed error
	text := likePattern.ReplaceAllStringFunc(query, func(found string) string {
		parts := likePattern.FindStringSubmatch(found)
		value := strings.Trim(parts[3], `"`)
		if parts[2] == "" || failed != nil || strings.HasPrefix(value, "id:") || strings.HasPrefix(value, "sha256:") {
			return found
		}
		name, err := sendPicture(ctx, client, value)
		if err != nil {
			failed = err
		}
		return parts[1] + parts[2] + `"` + name + `"`
	})
	return text, failed
}

// sendPicture gives what stands for a picture: its number where the library holds it,
// maybe by another name of its folder.
func sendPicture(ctx context.Context, client *api.Client, path string) (name string, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	photos, err := client.PhotosByPath(ctx, absolute)
	if err != nil {
		return "", err
	}
	if len(photos) > 0 {
		return fmt.Sprintf("id:%d", photos[0].ID), nil
	}
	file, err := os.Open(absolute)
	if errors.Is(err, fs.ErrNotExist) {
		return absolute, nil // the daemon says what is wrong
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	picture, err := client.SendPicture(ctx, file)
	return picture.Like, err
}
