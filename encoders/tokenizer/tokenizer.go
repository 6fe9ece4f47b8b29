// Package tokenizer turns sentences into the piece numbers that a text network
// reads. It holds the rules of each kind of tokenizer, not vocabularies: those
// come from an encoder's bundle.
package tokenizer

import "iter"

// Tokenizer is what a tokenizer.json describes. It is safe for concurrent use.
type Tokenizer struct {
	options   Options
	kept      *vocabulary // pieces that are looked for in a text before anything else
	normalise []func(string) string
	split     splitter
	model     model
	before    []int32 // special pieces
	after     []int32
	padding   int32
}

// model splits a word into pieces; it adds their numbers to ids.
type model interface {
	appendWord(ids []int32, word string) []int32
}

// Options are what a model's configuration says of its text, not its tokenizer.
type Options struct {
	// Context is the number of pieces that a text is cut or filled up to, special
	// pieces among them.
	Context int
	// Canonicalize puts texts in lower case and takes ASCII's punctuation away, as
	// SigLIP's configuration asks ("clean": "canonicalize").
	Canonicalize bool
	// Language is the piece that takes the place of the tokenizer.json's own language
	// before or after a text, such as "fra_Latn"; empty leaves that one.
	Language string
}

// Encode gives the piece numbers of a text, filled up to the context, and a mask
// that is 1 for each piece and 0 for what is filled up. What goes beyond the
// context is cut off before the special pieces at the end. Names of special pieces
// in the text are text. Any text has an encoding: bytes that are not UTF-8 are
// replacement characters, and at most the first 64 KiB are read.
func (t *Tokenizer) Encode(text string) (ids, mask []int32) {
	text = clean(text)
	if t.options.Canonicalize {
		text = canonical(text)
	}
	ids = make([]int32, 0, t.options.Context)
	ids = t.appendText(append(ids, t.before...), text, t.options.Context-len(t.after))
	ids = append(ids, t.after...)
	mask = make([]int32, t.options.Context)
	for i := range ids {
		mask[i] = 1
	}
	for len(ids) < t.options.Context {
		ids = append(ids, t.padding)
	}
	return ids, mask
}

// appendText adds the pieces of a cleaned text up to a length of ids.
func (t *Tokenizer) appendText(ids []int32, text string, length int) []int32 {
	for part, kept := range t.parts(text) {
		if kept {
			ids = append(ids, t.kept.find(part))
			continue
		}
		for _, step := range t.normalise {
			part = step(part)
		}
		for word := range t.split(part) {
			if len(ids) >= length {
				break
			}
			ids = t.model.appendWord(ids, word)
		}
	}
	return ids[:min(len(ids), length)]
}

// parts parts a text into kept pieces, the longest from the left, and what is
// between them.
func (t *Tokenizer) parts(text string) iter.Seq2[string, bool] {
	return func(yield func(part string, kept bool) bool) {
		begin := 0
		for at := 0; at < len(text) && t.kept != nil; {
			_, length := t.kept.longest(0, text[at:])
			if length == 0 {
				at++
				continue
			}
			if begin < at && !yield(text[begin:at], false) || !yield(text[at:at+length], true) {
				return
			}
			at += length
			begin = at
		}
		if begin < len(text) {
			yield(text[begin:], false)
		}
	}
}
