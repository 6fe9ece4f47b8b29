// Package table lays out columns of text for a terminal or a pipe. It makes
// every cell harmless first, as the names in it are strangers': see Escape. It
// knows nothing of photos.
package table

import (
	"fmt"
	"io"
	"strings"
)

const (
	gap = "  "
	// narrowest is what a shortened column keeps; below that nothing can be
	// read, so the table then is wider than the terminal.
	narrowest = 12
)

// A Shortening says where a cell may lose text when the table is too wide.
type Shortening int

// Never is for numbers and words, Middle for paths (both ends matter), End for
// sentences and lists.
const (
	Never Shortening = iota
	Middle
	End
)

// A Column is a heading and how the cells below it are set.
type Column struct {
	Title   string
	Right   bool // for numbers
	Shorten Shortening
}

// Write writes a table of rows, a cell a column. width is the terminal's; 0
// means no limit. heading is applied to the finished line of titles; nil leaves
// it as it is.
func Write(w io.Writer, columns []Column, rows [][]string, width int, heading func(string) string) error {
	lines := make([][]string, 0, len(rows)+1)
	titles := make([]string, len(columns))
	for i, column := range columns {
		titles[i] = column.Title
	}
	lines = append(lines, titles)
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i := range columns {
			cells[i] = Escape(row[i])
		}
		lines = append(lines, cells)
	}
	widths := fit(columns, natural(lines, len(columns)), width)
	for i, cells := range lines {
		line := setLine(columns, widths, cells)
		if i == 0 && heading != nil {
			line = heading(line)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func natural(lines [][]string, columns int) []int {
	widths := make([]int, columns)
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	return widths
}

// fit narrows the columns that may be shortened until the line fits: first what
// is cut at its end, down to a quarter of the width, then the widest.
func fit(columns []Column, widths []int, width int) []int {
	if width == 0 {
		return widths
	}
	excess := len(gap)*(len(widths)-1) - width
	for _, w := range widths {
		excess += w
	}
	excess = narrow(widths, excess, max(narrowest, width/4), func(i int) bool { return columns[i].Shorten == End })
	narrow(widths, excess, narrowest, func(i int) bool { return columns[i].Shorten != Never })
	return widths
}

// narrow takes excess, one by one, from the widest column that may lose any and
// is above least. It returns what could not be taken.
func narrow(widths []int, excess, least int, may func(int) bool) int {
	for ; excess > 0; excess-- {
		widest := -1
		for i, w := range widths {
			if may(i) && w > least && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return excess
}

func setLine(columns []Column, widths []int, cells []string) string {
	var line strings.Builder
	for i, cell := range cells {
		if columns[i].Shorten == Middle {
			cell = ShortenMiddle(cell, widths[i])
		} else {
			cell = ShortenEnd(cell, widths[i])
		}
		padding := strings.Repeat(" ", max(0, widths[i]-Width(cell)))
		if columns[i].Right {
			cell = padding + cell
		} else {
			cell += padding
		}
		if i > 0 {
			line.WriteString(gap)
		}
		line.WriteString(cell)
	}
	return strings.TrimRight(line.String(), " ")
}
