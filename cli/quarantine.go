package cli

import (
	"strconv"
	"strings"
	"time"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// quarantineHelp explains the argument ID of the quarantine commands.
const quarantineHelp = "ID is a file's number, which `vsectl quarantine list` shows; it is not a photo's."

// fileIDs reads the arguments ID.
func fileIDs(arguments []string) ([]int64, error) {
	var ids []int64
	for _, argument := range arguments {
		id, err := strconv.ParseInt(argument, 10, 64)
		if err != nil || id < 1 {
			return nil, usagef("%q is no file's number: `vsectl quarantine list` shows them", argument)
		}
		ids = append(ids, id)
	}
	return ids, nil
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
