package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/analysis/char/asciifolding"
	"golang.org/x/text/unicode/norm"
)

const (
	// textBytes is how much of one field or query is looked at.
	textBytes = 16 << 10
	// wordRunes is where a word is cut.
	wordRunes = 64
	// wholeBytes is the longest tag or name that can be found as a whole.
	wholeBytes = 256
)

// Normal gives the form in which two tags are the same: compatible
// characters unified, accents folded, lower case, each run of space one blank.
func Normal(text string) string {
	return strings.Join(strings.Fields(fold(clean(text))), " ")
}

// words splits text at what is no letter or digit, and gives the words in
// lower case without accents, with a blank between. A word of mixed case, or of
// letters and digits, stands in the result whole and then in its parts:
// "DogBeach2024" gives "dogbeach2024 dog beach 2024".
func words(text string) string {
	var list []string
	for _, word := range strings.FieldsFunc(clean(text), isSeparator) {
		word = strings.Trim(word, "'")
		if word == "" {
			continue
		}
		list = append(list, cut(word))
		if parts := parts(word); len(parts) > 1 {
			list = append(list, parts...)
		}
	}
	return fold(strings.Join(list, " "))
}

// clean makes valid UTF-8 of at most textBytes in one normal form.
func clean(text string) string {
	if len(text) > textBytes {
		text = text[:textBytes]
	}
	text = norm.NFKC.String(strings.ToValidUTF8(text, " "))
	return strings.ReplaceAll(text, "’", "'")
}

func fold(text string) string {
	return strings.ToLower(string(asciifolding.New().Filter([]byte(text))))
}

func isSeparator(r rune) bool {
	return r != '\'' && !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}

func cut(word string) string {
	if utf8.RuneCountInString(word) > wordRunes {
		return string([]rune(word)[:wordRunes])
	}
	return word
}

// parts splits a word where small letters meet capitals, before the last of
// several capitals that a small letter follows, and between letters and digits.
func parts(word string) []string {
	runes, start := []rune(word), 0
	var list []string
	for i := 1; i < len(runes); i++ {
		if isBoundary(runes, i) {
			list = append(list, cut(string(runes[start:i])))
			start = i
		}
	}
	return append(list, cut(string(runes[start:])))
}

func isBoundary(runes []rune, i int) bool {
	before, here := runes[i-1], runes[i]
	if unicode.IsMark(here) || here == '\'' || before == '\'' {
		return false
	}
	if unicode.IsNumber(before) != unicode.IsNumber(here) {
		return true
	}
	if !unicode.IsUpper(here) {
		return false
	}
	return unicode.IsLower(before) || i+1 < len(runes) && unicode.IsUpper(before) && unicode.IsLower(runes[i+1])
}
