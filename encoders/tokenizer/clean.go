package tokenizer

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// longestText is how many bytes of a text are read, spaces at its begin left out.
// It is hundreds of bytes for each piece of a context.
const longestText = 64 << 10

// mostPasses bounds how often repair is repeated: "&amp;amp;amp;…" changes each time.
const mostPasses = 8

// clean prepares a text as open_clip does before any tokenizer sees it: ftfy's
// repairs, HTML's character references resolved, single spaces. ftfy's guess at
// text that was decoded in a wrong encoding is left out: it is for texts scraped
// from the web, and people type what they mean.
func clean(text string) string {
	text = strings.ToValidUTF8(head(text), "\uFFFD")
	if !plain(text) {
		for range mostPasses {
			repaired := repair(text)
			if repaired == text {
				break
			}
			text = repaired
		}
		text = html.UnescapeString(html.UnescapeString(text))
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.Join(strings.Fields(text), " ")
}

// canonical is the text as SigLIP was trained: lower case, without ASCII's
// punctuation, single spaces.
func canonical(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '_':
			return ' '
		case r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(lower(text)), " ")
}

// head is the part of a text that is read. It ends with a whole character.
func head(text string) string {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if len(text) <= longestText {
		return text
	}
	end := longestText
	for end > longestText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// plain reports whether a text has nothing to repair: printable ASCII without references.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7F || c == '&' || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

var (
	reference      = regexp.MustCompile(`&#?[0-9A-Za-z]{1,24};`)
	terminalEscape = regexp.MustCompile("\x1b\\[[0-9;]*[a-zA-Z]")
)

// repair is one pass of ftfy over a text.
func repair(text string) string {
	if !strings.Contains(text, "<") { // which means that the text is HTML on purpose
		text = reference.ReplaceAllStringFunc(text, html.UnescapeString)
	}
	text = terminalEscape.ReplaceAllLiteralString(text, "")
	var repaired strings.Builder
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			if r >= ' ' && r != 0x7F || r == '\t' || r == '\n' || r == '\f' || r == '\r' {
				repaired.WriteByte(byte(r))
			}
		case r < 0xA0:
			repaired.WriteRune(windows1252[r-0x80])
		case r >= 0xFF01 && r < 0xFFF0:
			repaired.WriteString(norm.NFKC.String(string(r)))
		case !unicode.Is(unwanted, r):
			if straight, ok := straightened[r]; ok {
				repaired.WriteString(straight)
			} else {
				repaired.WriteRune(r)
			}
		}
	}
	return norm.NFC.String(repaired.String())
}

// lower puts a text in lower case by Unicode's full rules, which are Python's: a
// sigma at the end of a word is another letter than within.
func lower(text string) string {
	if strings.ContainsAny(text, "Σİ") {
		return cases.Lower(language.Und).String(text)
	}
	return strings.ToLower(text)
}

// windows1252 are the characters that the bytes from 0x80 to 0x9F most likely
// were, as web browsers take them.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8D, 'Ž', 0x8F,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9D, 'ž', 'Ÿ',
}

// unwanted are ftfy's control characters beyond ASCII: deprecated Arabic ones,
// interlinear annotation, the object replacement and the byte order mark.
var unwanted = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x206A, Hi: 0x206F, Stride: 1},
	{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
	{Lo: 0xFFF9, Hi: 0xFFFC, Stride: 1},
}}

// straightened are what ftfy writes for curly quotes, ligatures of Latin letters
// and the wide space.
var straightened = map[rune]string{
	'\u02BC': "'", '‘': "'", '’': "'", '‚': "'", '‛': "'",
	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '\u3000': " ",
	'Ĳ': "IJ", 'ĳ': "ij", 'ŉ': "'n",
	'Ǳ': "DZ", 'ǲ': "Dz", 'ǳ': "dz", 'Ǆ': "DŽ", 'ǅ': "Dž", 'ǆ': "dž",
	'Ǉ': "LJ", 'ǈ': "Lj", 'ǉ': "lj", 'Ǌ': "NJ", 'ǋ': "Nj", 'ǌ': "nj",
	'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl", 'ﬅ': "ſt", 'ﬆ': "st",
}
