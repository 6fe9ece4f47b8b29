package cli

import (
	"strings"

	"vsed/cli/table"
)

const (
	widestBar    = 40
	narrowestBar = 10
)

// A bar shows how far something is in one line of a terminal, which is drawn over
// again and again. Its zero value with out set has not drawn yet.
type bar struct {
	out    Screen
	drawn  bool
	widest int // columns of the longest text since the line was new
}

// draw shows done of total with a text, or the text alone where nothing is done yet, or
// total is not known: a bar that stands at its beginning looks stuck.
func (b *bar) draw(done, total int64, text string) error {
	text = table.Escape(text)
	// Else the bar would grow and shrink with the digits in the text.
	b.widest = max(b.widest, table.Width(text))
	b.drawn = true
	return b.out.printf("\r%s\x1b[K", barLine(done, total, text, b.widest, b.out.Width))
}

// clear takes the line away.
func (b *bar) clear() error {
	if !b.drawn {
		return nil
	}
	b.drawn, b.widest = false, 0
	return b.out.printf("\r\x1b[K")
}

// leave has what follows begin below the line.
func (b *bar) leave() error {
	if !b.drawn {
		return nil
	}
	b.drawn, b.widest = false, 0
	return b.out.printf("\n")
}

// barLine is a bar in one line of at most width columns, one less so that the cursor
// does not wrap, beside texts of as many columns as reserved. text is harmless.
func barLine(done, total int64, text string, reserved, width int) string {
	room := min(widestBar, width-1-reserved-2)
	if room < narrowestBar || total <= 0 || done <= 0 {
		return table.ShortenEnd(text, width-1)
	}
	filled := max(0, min(room, int(float64(room)*float64(done)/float64(total))))
	return strings.Repeat("█", filled) + strings.Repeat("░", room-filled) + "  " + text
}
