package table

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

const (
	ellipsis = "…"
	// minimumFront is what ShortenMiddle leaves of a long path before the
	// file's name, the ellipsis included.
	minimumFront = 8
)

// The joiners have no width and no effect of their own; some scripts and emoji
// need them.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Printable reports whether r may be sent to a terminal as it is: it is neither
// a control character nor one that reorders or hides text.
func Printable(r rune) bool {
	return unicode.IsPrint(r) || r == zeroWidthJoiner || r == zeroWidthNonJoiner
}

// Escape makes s harmless to show: control characters, bytes that are not
// UTF-8, invisible and reordering characters are written as Go would. A file's
// name must not be able to move the cursor, recolour the screen or hide a part
// of itself. A backslash stays one, so that text already quoted stays as it is:
// the result is for reading and not unambiguous.
func Escape(s string) string {
	var text strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&text, `\x%02x`, s[i])
		case Printable(r):
			text.WriteRune(r)
		default:
			quoted := fmt.Sprintf("%+q", r)
			text.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return text.String()
}

// Width counts the columns that s takes on a terminal.
func Width(s string) int {
	columns := 0
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// ShortenEnd cuts s to columns.
func ShortenEnd(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	return head(s, columns-1) + ellipsis
}

// ShortenMiddle cuts from the middle of a path: the file's name stays whole
// where it leaves room for a little of the front.
func ShortenMiddle(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	if columns < 3 {
		return ShortenEnd(s, columns)
	}
	end := columns - columns/3 - 1
	if slash := strings.LastIndexByte(s, '/'); slash >= 0 {
		if name := Width(s[slash:]); name <= max(columns-columns/4, columns-minimumFront) {
			end = name
		}
	}
	return head(s, columns-1-end) + ellipsis + tail(s, end)
}

func head(s string, columns int) string {
	for i, r := range s {
		columns -= runeWidth(r)
		if columns < 0 {
			return s[:i]
		}
	}
	return s
}

func tail(s string, columns int) string {
	at := len(s)
	for at > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:at])
		columns -= runeWidth(r)
		if columns < 0 {
			break
		}
		at -= size
	}
	return s[at:]
}

// Wrap breaks s between words into lines of at most columns; a longer word stands
// alone. What stands between backticks is a command to copy, and stays on one line
// where it fits. Where no break is, s stays as it is, blanks too. columns below the
// narrowest column mean no limit.
func Wrap(s string, columns int) (lines []string) {
	if columns < narrowest {
		return []string{s}
	}
	line, begun := "", false
	for _, word := range words(s, columns) {
		if begun && Width(Escape(line))+1+Width(Escape(word)) > columns {
			lines = append(lines, strings.TrimRight(line, " "))
			line, begun = "", false
		}
		if begun {
			line += " "
		}
		if begun || word != "" || len(lines) == 0 {
			line, begun = line+word, true
		}
	}
	return append(lines, strings.TrimRight(line, " "))
}

// words splits s at its blanks, but for those of a command that fits in columns.
func words(s string, columns int) []string {
	all := strings.Split(s, " ")
	for i := 0; i < len(all); i++ {
		if strings.Count(all[i], "`")%2 == 0 {
			continue
		}
		for end := i + 1; end < len(all); end++ {
			if strings.Count(all[end], "`")%2 == 0 {
				continue
			}
			if command := strings.Join(all[i:end+1], " "); Width(Escape(command)) <= columns {
				all = slices.Replace(all, i, end+1, command)
			}
			break
		}
	}
	return all
}
