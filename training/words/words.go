// Package words takes captions and tags apart for training: tokens of the sentence
// encoder, its vocabulary, the content words that stand for tags where a captioned
// photo has none, and whether a tag is English. It knows English only; tags of other
// languages are learned as they are, without it.
//
// No part-of-speech tagger for Go is kept: github.com/jdkato/prose/v2, the one that
// there was, is archived with its only release of 2020. A word is content by a rule
// instead: see Content.
package words

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Tokens are the words of a caption in lower case: runs of letters and digits, with
// apostrophes and hyphens inside. Punctuation is dropped: it says nothing of a
// picture, and some sets have it apart and some not at all.
func Tokens(caption string) (tokens []string) {
	text := strings.ToLower(norm.NFC.String(strings.ReplaceAll(caption, "’", "'")))
	for token := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\'' && r != '-'
	}) {
		if token = strings.Trim(token, "'-"); token != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// Numbers of a vocabulary that are no words.
const (
	Padding = iota
	Begin
	End
	Unknown
	firstWord
)

// A Vocabulary numbers words.
type Vocabulary struct {
	words  []string
	number map[string]int
}

// Frequent makes the vocabulary of the words that stand in captions at least floor
// times (4 in the code that the paper builds on), the most frequent first.
func Frequent(captions []string, floor int) *Vocabulary {
	counts := map[string]int{}
	for _, caption := range captions {
		for _, token := range Tokens(caption) {
			counts[token]++
		}
	}
	maps.DeleteFunc(counts, func(_ string, count int) bool { return count < floor })
	return NewVocabulary(byCount(counts))
}

// byCount sorts words, the most frequent first, equals by letters.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// NewVocabulary numbers words in their order, as Words gave them.
func NewVocabulary(words []string) *Vocabulary {
	v := &Vocabulary{words: words, number: map[string]int{}}
	for i, word := range words {
		v.number[word] = firstWord + i
	}
	return v
}

// Words are those of the vocabulary, in the order of their numbers.
func (v *Vocabulary) Words() []string { return v.words }

// Len is how many numbers there are, those that are no words included.
func (v *Vocabulary) Len() int { return firstWord + len(v.words) }

// Encode gives the numbers of a caption's words between Begin and End; a word that is
// not in the vocabulary is Unknown.
func (v *Vocabulary) Encode(caption string) []int {
	numbers := []int{Begin}
	for _, token := range Tokens(caption) {
		number, known := v.number[token]
		if !known {
			number = Unknown
		}
		numbers = append(numbers, number)
	}
	return append(numbers, End)
}

//go:embed function.txt
var functionWords string

// Tagger tells the content words of captions.
type Tagger struct{ function map[string]bool }

// NewTagger reads the list of function words.
func NewTagger() *Tagger {
	t := &Tagger{function: map[string]bool{}}
	for line := range strings.Lines(functionWords) {
		if !strings.HasPrefix(line, "#") {
			for word := range strings.FieldsSeq(line) {
				t.function[word] = true
			}
		}
	}
	return t
}

// lyNouns end in -ly and are no adverbs.
const lyNouns = " family butterfly fly dragonfly belly jelly lily rally bully ally reply supply assembly italy july doily trolly gully firefly barfly "

// Content gives the content words of a caption, nouns and verbs, each once in their
// order. The rule: a token of three letters or more, no digit in it, that is neither
// on the closed list of function words, auxiliaries, numerals, common adverbs and
// adjectives (function.txt), nor an adverb in -ly. What the rule lets through beside
// nouns and verbs are adjectives that the list does not have.
func (t *Tagger) Content(caption string) (content []string) {
	for _, token := range Tokens(caption) {
		if t.isContent(token) && !slices.Contains(content, token) {
			content = append(content, token)
		}
	}
	return content
}

func (t *Tagger) isContent(token string) bool {
	switch {
	case len([]rune(token)) < 3, t.function[token], strings.ContainsFunc(token, unicode.IsDigit):
		return false
	case strings.HasSuffix(token, "ly"):
		return strings.Contains(lyNouns, " "+token+" ")
	}
	token = strings.TrimSuffix(token, "'s")
	return len([]rune(token)) >= 3 && !t.function[token]
}

// PseudoTags are the content words of a photo's captions, those first that most of
// the captions have.
func (t *Tagger) PseudoTags(captions []string) []string {
	counts := map[string]int{}
	for _, caption := range captions {
		for _, word := range t.Content(caption) {
			counts[strings.TrimSuffix(word, "'s")]++
		}
	}
	return byCount(counts)
}

// Keywords are the content words that most photos' captions have, so many at most,
// the most frequent first: what the paper searched the web by.
func (t *Tagger) Keywords(photos [][]string, most int) []string {
	counts := map[string]int{}
	for _, captions := range photos {
		for _, word := range t.PseudoTags(captions) {
			counts[word]++
		}
	}
	keywords := byCount(counts)
	return keywords[:min(most, len(keywords))]
}

// English tells English tags by a list of English words.
type English struct{ words map[string]bool }

// NewEnglish takes the lists together: the vocabulary of an English captioned set is
// strict, a word list is wide.
func NewEnglish(lists ...[]string) English {
	e := English{words: map[string]bool{}}
	for _, list := range lists {
		for _, word := range list {
			e.words[strings.ToLower(word)] = true
		}
	}
	return e
}

// ReadPieces reads whole English words from the vocabulary of a WordPiece tokenizer,
// as the built-in encoder's vocab.txt: entries of three ASCII letters or more that
// begin a word. Names and a few foreign words are among them.
func ReadPieces(input io.Reader) (list []string, err error) {
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		if word := lines.Text(); len(word) >= 3 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" {
			list = append(list, word)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the words of a vocabulary: %w", err)
	}
	return list, nil
}

// Tag reports whether each word of a tag is on the lists; digits alone are no English.
func (e English) Tag(tag string) bool {
	tokens := Tokens(tag)
	for _, token := range tokens {
		for part := range strings.SplitSeq(strings.TrimSuffix(token, "'s"), "-") {
			if !e.words[part] {
				return false
			}
		}
	}
	return len(tokens) > 0
}
