package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitter parts a text into the words that a model takes one by one.
type splitter func(text string) iter.Seq[string]

// whole is the splitter that leaves a text as it is.
func whole(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if text != "" {
			yield(text)
		}
	}
}

// then splits the words of one splitter by another.
func (s splitter) then(next splitter) splitter {
	return func(text string) iter.Seq[string] {
		return func(yield func(string) bool) {
			for word := range s(text) {
				for part := range next(word) {
					if !yield(part) {
						return
					}
				}
			}
		}
	}
}

// underline stands for a space in sentencepiece's pieces.
const underline = "▁"

// metaspace marks the begin of words with underlines, one before the text too
// where asked, and splits before each.
func metaspace(prepend, split bool) splitter {
	return func(text string) iter.Seq[string] {
		return func(yield func(string) bool) {
			text := strings.ReplaceAll(text, " ", underline)
			if prepend && text != "" && !strings.HasPrefix(text, underline) {
				text = underline + text
			}
			for split && text != "" {
				_, size := utf8.DecodeRuneInString(text)
				end := strings.Index(text[size:], underline)
				if end < 0 {
					break
				}
				if !yield(text[:size+end]) {
					return
				}
				text = text[size+end:]
			}
			if text != "" {
				yield(text)
			}
		}
	}
}

// clipWords splits as CLIP's regular expression does: English contractions, runs of
// letters, single digits and runs of other characters are words; spaces are dropped.
func clipWords(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			length, space := clipWord(text)
			if !space && !yield(text[:length]) {
				return
			}
			text = text[length:]
		}
	}
}

// clipWord is the length in bytes of the word or space that a text begins with.
func clipWord(text string) (length int, space bool) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case unicode.IsSpace(r):
		return size, true
	case unicode.IsLetter(r):
		return run(text, unicode.IsLetter), false
	case unicode.IsNumber(r):
		return size, false
	}
	for _, contraction := range []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if length := len(contraction); len(text) >= length && strings.EqualFold(text[:length], contraction) {
			return length, false
		}
	}
	if long := "'ſ"; strings.HasPrefix(text, long) { // to the expression, "s" in another case
		return len(long), false
	}
	return run(text, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r) }), false
}

// run is how many bytes at the begin of a text are characters of a kind.
func run(text string, kind func(rune) bool) int {
	end := strings.IndexFunc(text, func(r rune) bool { return !kind(r) })
	if end < 0 {
		return len(text)
	}
	return end
}
