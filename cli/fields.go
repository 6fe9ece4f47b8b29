package cli

import (
	"strings"

	"vsed/cli/table"
)

// A field is a name with its value. One without a value is not shown; one
// without a name goes on with the value above it.
type field struct{ name, value string }

// fields prints what is known of one thing, a line a field. No value is cut.
func (s Screen) fields(all []field) error {
	width := 0
	for _, f := range all {
		if f.value != "" {
			width = max(width, len(f.name))
		}
	}
	for _, f := range all {
		if f.value == "" && f.name != "" {
			continue
		}
		line := f.name + strings.Repeat(" ", width-len(f.name)) + "  " + table.Escape(f.value)
		if err := s.printf("%s\n", strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}
