package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// quarantineHelp explains the argument FILE of the quarantine commands.
const quarantineHelp = "FILE is the path of a file, or its number, which `vsectl quarantine list`\nshows; that is not a photo's."

// fileIDs gives the numbers of the files that the arguments name.
func fileIDs(ctx context.Context, client *api.Client, arguments []string) ([]int64, error) {
	var ids []int64
	for _, argument := range arguments {
		id, err := fileID(ctx, client, argument)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// fileID takes what is a number for one: a file of that name is named ./12.
func fileID(ctx context.Context, client *api.Client, argument string) (int64, error) {
	if id, err := strconv.ParseInt(argument, 10, 64); err == nil && id > 0 {
		return id, nil
	}
	paths, err := pathsOf(argument)
	if err != nil {
		return 0, err
	}
	file, found, err := client.QuarantinedAt(ctx, paths...)
	if err == nil && !found {
		err = &notFoundError{fmt.Sprintf("no file at %q is set aside: `vsectl quarantine list` shows those that are", paths[0])}
	}
	return file.ID, err
}

// showQuarantined gives each file two lines, as a reason is a sentence that
// must not be cut.
func showQuarantined(files []api.QuarantinedFile, out Screen) error {
	width := len("ID")
	for _, file := range files {
		width = max(width, len(strconv.FormatInt(file.ID, 10)))
	}
	indent := strings.Repeat(" ", width)
	if err := out.printf("%s\n", out.heading(indent[2:]+"ID  SET ASIDE")); err != nil {
		return err
	}
	for _, file := range files {
		err := out.printf("%*d  %s\n%s  %s; %s\n", width, file.ID, table.Escape(rawPath(file.Path)),
			indent, table.Escape(file.Reason), table.Escape(tries(file, out.Now)))
		if err != nil {
			return err
		}
	}
	return nil
}

// tries says how often a file was tried, and when it will be again.
func tries(file api.QuarantinedFile, now time.Time) string {
	text := "tried " + times(file.Attempts)
	if file.LastAttempt != "" {
		if file.Attempts > 1 {
			text += ", last"
		}
		text += " " + ago(file.LastAttempt, now)
	}
	if file.NextAttempt != "" {
		return text + ", again " + until(file.NextAttempt, now)
	}
	return text + ", again when it changes"
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return number(n) + " times"
}
