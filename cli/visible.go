package cli

import (
	"bytes"

	"vsed/cli/table"
)

// visibleLines passes text on to a terminal, a line at a time and harmless. The
// end of the last line comes with finish.
type visibleLines struct {
	out  Screen
	rest []byte
}

func (v *visibleLines) Write(part []byte) (int, error) {
	v.rest = append(v.rest, part...)
	for {
		line, rest, whole := bytes.Cut(v.rest, []byte("\n"))
		if !whole {
			return len(part), nil
		}
		if err := v.out.printf("%s\n", table.Escape(string(bytes.TrimSuffix(line, []byte("\r"))))); err != nil {
			return 0, err
		}
		v.rest = rest
	}
}

func (v *visibleLines) finish() error {
	if len(v.rest) == 0 {
		return nil
	}
	return v.out.printf("%s\n", table.Escape(string(v.rest)))
}
