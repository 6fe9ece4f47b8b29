package tokenizer

import (
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// words splits a text as BERT does before it looks pieces up: at spaces, and
// with each punctuation mark and each Chinese character a word of its own.
func words(text string, lowerCase bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		var word strings.Builder
		end := func() bool {
			if word.Len() == 0 {
				return true
			}
			whole := word.String()
			word.Reset()
			return yield(whole)
		}
		for r := range cleaned(text, lowerCase) {
			switch {
			case unicode.IsSpace(r):
				if !end() {
					return
				}
			case standsAlone(r):
				if !end() || !yield(string(r)) {
					return
				}
			default:
				word.WriteRune(r)
			}
		}
		end()
	}
}

// cleaned leaves control characters and bytes that are not UTF-8 out and, where
// asked, capitals and accents. Accents are taken off a segment at a time, so
// that a long text is not copied for its first few words.
func cleaned(text string, lowerCase bool) iter.Seq[rune] {
	return func(yield func(rune) bool) {
		var segments norm.Iter
		form := norm.NFC
		if lowerCase {
			form = norm.NFD
		}
		segments.InitString(form, strings.Map(keep, text))
		for !segments.Done() {
			for _, r := range string(segments.Next()) {
				if lowerCase && unicode.Is(unicode.Mn, r) {
					continue
				}
				if lowerCase {
					r = unicode.ToLower(r)
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// keep drops what is neither text nor space. A character that Unicode has not
// assigned stays: it may be a new emoji, and is an unknown piece.
func keep(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return ' '
	case r == unicode.ReplacementChar, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return -1
	}
	return r
}

// standsAlone reports whether a character is a word by itself. BERT counts all
// ASCII that is neither letter, digit nor space as punctuation, "$" and "^" too.
func standsAlone(r rune) bool {
	if r < unicode.MaxASCII {
		return r > ' ' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return unicode.IsPunct(r) || unicode.Is(chinese, r)
}

// chinese are the CJK ideograph blocks that BERT's own code lists; Japanese
// syllables and Korean are not among them.
var chinese = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x3400, Hi: 0x4DBF, Stride: 1},
		{Lo: 0x4E00, Hi: 0x9FFF, Stride: 1},
		{Lo: 0xF900, Hi: 0xFAFF, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x20000, Hi: 0x2A6DF, Stride: 1},
		{Lo: 0x2A700, Hi: 0x2B73F, Stride: 1},
		{Lo: 0x2B740, Hi: 0x2B81F, Stride: 1},
		{Lo: 0x2B820, Hi: 0x2CEAF, Stride: 1},
		{Lo: 0x2F800, Hi: 0x2FA1F, Stride: 1},
	},
}
