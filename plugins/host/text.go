package host

import (
	"strings"
	"unicode"
)

// reasonLimit bounds what a plugin's own words may add to an error, in runes.
const reasonLimit = 400

// printable makes one bounded line of a stranger's text: no control characters
// that could fool a terminal, no invalid UTF-8, no runs of white space.
func printable(text string, limit int) string {
	if len(text) > 8*limit {
		text = text[:8*limit]
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}
