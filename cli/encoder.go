package cli

import (
	"fmt"
	"strconv"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// named takes the one NAME that a command has.
func named(command string, arguments []string) (string, error) {
	if len(arguments) != 1 {
		return "", usagef("encoder %s takes the NAME of one encoder: `vsectl encoder list` shows them", command)
	}
	return arguments[0], nil
}

// bytesText tells a size as disks are sold: 1 MB is a million bytes.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + " GB"
}

// covered tells how much of the library an encoder has vectors of.
func covered(c *api.Coverage) string {
	switch {
	case c == nil:
		return "-"
	case c.Encoded == c.Total():
		return number(c.Encoded)
	}
	return number(c.Encoded) + " of " + number(c.Total())
}

// showCoverage accounts for the whole library, and says where the rest is.
func showCoverage(c api.Coverage, offline []api.Path, out Screen) error {
	columns := []table.Column{
		{Title: "PHOTOS", Right: true}, {Title: "ENCODED", Right: true}, {Title: "WAITING", Right: true},
		{Title: "SET ASIDE", Right: true}, {Title: "OFFLINE", Right: true},
	}
	cells := []string{number(c.Total()), number(c.Encoded), number(c.Waiting), number(c.SetAside), number(c.Offline)}
	if err := out.table(columns, [][]string{cells}); err != nil {
		return err
	}
	for _, folder := range offline {
		if err := out.say("Offline: %s; its photos are found by keywords, and encoded on its return.", rawPath(folder)); err != nil {
			return err
		}
	}
	if c.SetAside == 0 {
		return nil
	}
	return out.say("%s", setAside(c.SetAside))
}

// showTest prints the report of a self-test: what was checked, where it ran and
// what it takes.
func showTest(test api.EncoderTest, out Screen) error {
	rows := make([][]string, len(test.Checks))
	for i, check := range test.Checks {
		verdict := "ok"
		if !check.Passed {
			verdict = "FAILED"
		}
		rows[i] = []string{check.Name, verdict, check.Detail}
	}
	if err := out.table([]table.Column{{Title: "CHECK"}, {Title: "RESULT"}, {Title: "FOUND", Shorten: table.End}}, rows); err != nil {
		return err
	}
	var all []field
	for _, session := range test.Sessions {
		all = append(all, field{session.Name, session.Provider + ", " + session.Precision})
		if session.Fallback != "" {
			all = append(all, field{"", session.Fallback})
		}
	}
	if test.PictureMS > 0 {
		all = append(all, field{"speed", fmt.Sprintf("%.1f ms a photo, %.1f ms a query", test.PictureMS, test.TextMS)})
	}
	if test.Memory > 0 {
		all = append(all, field{"memory", bytesText(test.Memory)})
	}
	if len(all) == 0 {
		return nil
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	return out.fields(all)
}
