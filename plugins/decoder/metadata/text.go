package metadata

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestName is that of a camera or a lens, in bytes. The longest real ones have
// about 80.
const longestName = 200

// Camera joins make and model; most models name their maker already.
func Camera(maker, model string) string {
	maker, model = Line(maker, longestName), Line(model, longestName)
	first, _, _ := strings.Cut(maker, " ")
	if strings.HasPrefix(strings.ToLower(model), strings.ToLower(first)) {
		return model
	}
	return Line(maker+" "+model, longestName)
}

// Line makes a stranger's text safe to show on one line: valid UTF-8 without
// control and formatting characters, blanks collapsed, at most so many bytes.
func Line(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(plain(text), unicode.IsSpace), " ")
	return strings.TrimSpace(cut(text, most))
}

// lines is Line for text of several lines, which may be set apart by one empty one.
func lines(text string, most int) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n").Replace(strings.TrimSpace(text))
	var kept []string
	empty := 0
	for line := range strings.Lines(text) {
		if line = Line(line, most); line != "" {
			empty = 0
		} else if empty++; empty > 1 {
			continue
		}
		kept = append(kept, line)
	}
	return strings.TrimSpace(cut(strings.Join(kept, "\n"), most))
}

// plain puts a blank for each character that is not to be shown. The two joiners
// stay: emoji and some scripts fall apart without them.
func plain(text string) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return strings.Map(func(r rune) rune {
		switch {
		case r == nonJoiner || r == joiner:
			return r
		case unicode.In(r, unicode.Cf):
			return -1
		case unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// cut shortens between characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// utf8FromLatin1 undoes the reading of UTF-8 as Latin-1, where that is what
// happened.
func utf8FromLatin1(text string) string {
	var raw []byte
	for _, r := range text {
		if r > 0xff {
			return text
		}
		raw = append(raw, byte(r))
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	return text
}
