package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// StatusOptions are those of `vsectl status`.
type StatusOptions struct {
	Common
	// Watch follows the work until all is done: it asks every Poll, and where
	// the output is no terminal prints a line every Print.
	Watch       bool
	Poll, Print time.Duration
}

func newStatusCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "status", Usage: "show how far the daemon is and what it watches",
		Description: examples("vsectl status", "vsectl status --watch", "vsectl status --json | jq .photos"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "watch", Usage: "show progress until every photo is done, then end", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("status takes no argument")
			}
			options := StatusOptions{Common: common(c), Watch: c.Bool("watch"), Poll: 250 * time.Millisecond, Print: 5 * time.Second}
			return runStatus(c.Context, options, out)
		},
	})
}

func runStatus(ctx context.Context, options StatusOptions, out Screen) error {
	if options.Watch {
		return watch(ctx, options, out)
	}
	status, err := options.Client.Status(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(status)
	}
	swap, err := options.Client.Swap(ctx)
	if err != nil {
		return err
	}
	learning, err := options.Client.Learning(ctx)
	if err != nil {
		return err
	}
	return showStatus(status, swap, learning, out)
}

func showStatus(status api.Status, swap api.Swap, learning api.Learning, out Screen) error {
	if err := showSummary(status, swap, learning, out); err != nil {
		return err
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	if err := showFolders(status.Folders, out); err != nil {
		return err
	}
	if status.Photos.Quarantined > 0 {
		if err := out.paragraph("%s", setAside(status.Photos.Quarantined)); err != nil {
			return err
		}
	}
	return showSidecars(status, out)
}

// sidecarsShown is how many sidecars that cannot be read are named.
const sidecarsShown = 3

// showSidecars names some of the sidecars that cannot be read, with the reasons.
func showSidecars(status api.Status, out Screen) error {
	if status.UnreadableSidecars == 0 {
		return nil
	}
	if err := out.paragraph("%s cannot be read; what was read before stands:", plural(status.UnreadableSidecars, "sidecar", "sidecars")); err != nil {
		return err
	}
	some := status.Sidecars[:min(len(status.Sidecars), sidecarsShown)]
	for _, one := range some {
		again := "again when it changes"
		if one.NextAttempt != "" {
			again = "again " + until(one.NextAttempt, out.Now)
		}
		if err := out.say("  %s: %s; %s", rawPath(one.Path), one.Reason, again); err != nil {
			return err
		}
	}
	if rest := status.UnreadableSidecars - int64(len(some)); rest > 0 {
		return out.say("  and %s more: `vsectl status --json` names up to a hundred", number(rest))
	}
	return nil
}

func showSummary(status api.Status, swap api.Swap, learning api.Learning, out Screen) error {
	lines := []string{
		strings.TrimSpace("vsed "+status.Version) + ": " + progress(status),
		"Encoder: " + encoder(status.Encoder),
	}
	if swap.Stage != api.SwapNone && swap.Stage != "" {
		lines = append(lines, "Swap: "+swapText(swap))
	}
	if learning.Run != nil {
		lines = append(lines, "Learning: "+runText(*learning.Run, learning.Progress))
	}
	if learning.Proposal != nil {
		lines = append(lines, "Proposal: learning "+proposalText(learning.Proposal))
	}
	if p := status.Encoder.Preparation; p != nil {
		lines = append(lines, "Preparation: "+preparation(*p))
	}
	for _, problem := range []struct{ of, text string }{
		{"Ingest's problem", status.Problem},
		{"Encoder's problem", status.Encoder.Problem},
		{"Decoder's problem", status.Decoder.Problem},
		{"Decoder's sandbox", status.Decoder.Sandbox},
	} {
		if problem.text != "" {
			lines = append(lines, problem.of+": "+problem.text)
		}
	}
	for _, line := range lines {
		if err := out.say("%s", line); err != nil {
			return err
		}
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	return out.table(countColumns(), [][]string{countCells(status.Photos)})
}

func encoder(e api.Encoder) string {
	if e.Name == "" {
		return "none serves yet, words alone are searched"
	}
	text := e.Name
	if e.Provider != "" {
		text += " on " + e.Provider
	}
	if e.Space != "" {
		text += ", space " + e.Space
	}
	return text
}

// preparation tells how far something is that will make an encoder faster, or why
// it will not.
func preparation(p api.Preparation) string {
	text := p.Encoder + ": " + p.What
	if p.Failed != "" {
		return text + " failed: " + p.Failed
	}
	if p.Step != "" {
		text += ", " + p.Step
	}
	if p.Total > 0 {
		text += fmt.Sprintf(" (%d of %d)", p.Done, p.Total)
	}
	return text + ", for " + lag(p.Seconds)
}

func countColumns() []table.Column {
	var columns []table.Column
	for _, title := range []string{"PHOTOS", "ENCODED", "WAITING", "QUARANTINED", "OFFLINE", "MISSING", "IGNORED"} {
		columns = append(columns, table.Column{Title: title, Right: true})
	}
	return columns
}

func countCells(c api.Counts) []string {
	var cells []string
	for _, n := range []int64{c.Total, c.Encoded, c.Waiting, c.Quarantined, c.Offline, c.Missing, c.Ignored} {
		cells = append(cells, number(n))
	}
	return cells
}

// roomForFilesystem is the width below which the filesystem's type would leave a
// folder's name no room.
const roomForFilesystem = 100

// noFolder says why there is no photo.
const noFolder = "No folder is watched: add one with `vsectl folder add FOLDER`."

func showFolders(folders []api.Folder, out Screen) error {
	if len(folders) == 0 {
		return out.say("%s", noFolder)
	}
	columns := []table.Column{
		{Title: "FOLDER", Shorten: table.Middle}, {Title: "STATE"}, {Title: "MODE"}, {Title: "FS"}, {Title: "LAG", Right: true},
		{Title: "PHOTOS", Right: true}, {Title: "WAITING", Right: true}, {Title: "LAST SCAN"},
	}
	var rows [][]string
	for _, folder := range folders {
		rows = append(rows, []string{
			rawPath(folder.Path), folder.State, folder.Mode, folder.Filesystem, lag(folder.LagSeconds),
			number(folder.Counts.Total), number(folder.Counts.Waiting), ago(folder.LastScan, out.Now),
		})
	}
	if out.Width > 0 && out.Width < roomForFilesystem {
		columns, rows = withoutColumn(columns, rows, 3)
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	for _, folder := range folders {
		if err := showNotes(folder, out); err != nil {
			return err
		}
	}
	return nil
}

func withoutColumn(columns []table.Column, rows [][]string, i int) ([]table.Column, [][]string) {
	for row := range rows {
		rows[row] = slices.Delete(rows[row], i, i+1)
	}
	return slices.Delete(columns, i, i+1), rows
}

// showNotes says below the table what has no room in it: a folder's problem,
// and by which rules files of it were ignored.
func showNotes(folder api.Folder, out Screen) error {
	name := rawPath(folder.Path)
	if folder.Problem != "" {
		if err := out.say("Problem in %s: %s", name, folder.Problem); err != nil {
			return err
		}
	}
	if len(folder.IgnoredRules) == 0 {
		return nil
	}
	var rules []string
	for _, rule := range slices.Sorted(maps.Keys(folder.IgnoredRules)) {
		rules = append(rules, fmt.Sprintf("%s (%s)", rule, number(folder.IgnoredRules[rule])))
	}
	return out.say("Ignored in %s: %s", name, strings.Join(rules, ", "))
}

// setAside says in a line where to read of the files that were set aside.
func setAside(count int64) string {
	return plural(count, "file was", "files were") + " set aside: `vsectl quarantine list` says which and why."
}
