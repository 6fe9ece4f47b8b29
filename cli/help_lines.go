package cli

import (
	"bytes"
	"strings"

	"vsed/cli/table"
)

// helpLines is where the library prints help: lines that are wider than the terminal go
// on below what they explain, a second column below itself.
type helpLines struct {
	out  Screen
	rest []byte
}

func (h *helpLines) Write(part []byte) (int, error) {
	h.rest = append(h.rest, part...)
	for {
		line, rest, whole := bytes.Cut(h.rest, []byte("\n"))
		if !whole {
			return len(part), nil
		}
		if err := h.out.printf("%s\n", brokenHelp(string(line), h.out.Width)); err != nil {
			return 0, err
		}
		h.rest = rest
	}
}

func brokenHelp(line string, width int) string {
	at := len(line) - len(strings.TrimLeft(line, " "))
	if gap := strings.Index(line[at:], "  "); gap >= 0 {
		column := at + gap + len(line[at+gap:]) - len(strings.TrimLeft(line[at+gap:], " "))
		if column <= width/2 {
			at = column
		}
	}
	lines := table.Wrap(line[at:], width-at)
	return line[:at] + strings.Join(lines, "\n"+strings.Repeat(" ", at))
}
