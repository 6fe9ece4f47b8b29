package cli

import (
	"strings"

	"vsed/cli/table"
)

// A field is a name with its value. One without a value is not shown; one
// without a name goes on with the value above it.
type field struct{ name, value string }

// prose prints fields whose values are sentences, broken between words as say does.
func (s Screen) prose(all []field) error { return s.fields(wrapped(all, s.Width)) }

// wrapped breaks values between words, so that each line fits the width.
func wrapped(all []field, width int) (lines []field) {
	names := 0
	for _, f := range all {
		if f.value != "" {
			names = max(names, len(f.name))
		}
	}
	for _, f := range all {
		for i, line := range table.Wrap(f.value, width-names-2) {
			name := f.name
			if i > 0 {
				name = ""
			}
			lines = append(lines, field{name, line})
		}
	}
	return lines
}

// fields prints what is known of one thing, a line a field. No value is cut or broken:
// a path can be copied whole.
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
