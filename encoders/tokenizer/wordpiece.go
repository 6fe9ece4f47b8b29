// Package tokenizer turns sentences into the piece numbers that a text network
// reads. It holds the rules of each kind of tokenizer, not vocabularies: those
// come from an encoder's bundle.
package tokenizer

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Special pieces that a BERT vocabulary must have.
const (
	classify = "[CLS]"
	separate = "[SEP]"
	unknown  = "[UNK]"
)

// longestWord is BERT's limit in runes: a longer word is one unknown piece.
const longestWord = 100

// WordPiece is BERT's tokenizer. It is safe for concurrent use.
type WordPiece struct {
	pieces     map[string]int64
	rules      Rules
	classifyID int64
	separateID int64
	unknownID  int64
}

// Rules are the choices that belong to a model, not to the algorithm.
type Rules struct {
	// Context is the most pieces of a sentence, [CLS] and [SEP] among them.
	Context int
	// LowerCase also strips accents, as BERT's uncased models want.
	LowerCase bool
}

// NewWordPiece reads a vocabulary of one piece a line; its line number, from 0,
// is the piece's number. Pieces that go on inside a word start with "##".
func NewWordPiece(vocabulary io.Reader, rules Rules) (*WordPiece, error) {
	if rules.Context < 3 {
		return nil, fmt.Errorf("context of %d pieces has no room for a word", rules.Context)
	}
	pieces := map[string]int64{}
	lines := bufio.NewScanner(vocabulary)
	for lines.Scan() {
		if _, twice := pieces[lines.Text()]; twice {
			return nil, fmt.Errorf("vocabulary line %d: %q stands twice", len(pieces)+1, lines.Text())
		}
		pieces[lines.Text()] = int64(len(pieces))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	for _, piece := range []string{classify, separate, unknown} {
		if _, ok := pieces[piece]; !ok {
			return nil, fmt.Errorf("vocabulary has no %s", piece)
		}
	}
	return &WordPiece{pieces, rules, pieces[classify], pieces[separate], pieces[unknown]}, nil
}

// Encode gives the piece numbers of a text, at least [CLS] and [SEP]; what goes
// beyond the context is cut off. Names of special pieces in the text are text.
func (w *WordPiece) Encode(text string) []int64 {
	room := w.rules.Context - 1
	ids := []int64{w.classifyID}
	for word := range words(text, w.rules.LowerCase) {
		if len(ids) >= room {
			break
		}
		ids = w.appendWord(ids, word)
	}
	return append(ids[:min(len(ids), room)], w.separateID)
}

// appendWord splits a word into the longest pieces from the left. A word that
// cannot be split to its end is unknown as a whole.
func (w *WordPiece) appendWord(ids []int64, word string) []int64 {
	begin := len(ids)
	if strings.Count(word, "")-1 > longestWord {
		return append(ids, w.unknownID)
	}
	for prefix := ""; word != ""; prefix = "##" {
		id, length := w.longest(prefix, word)
		if length == 0 {
			return append(ids[:begin], w.unknownID)
		}
		ids = append(ids, id)
		word = word[length:]
	}
	return ids
}

// longest finds the longest piece that word starts with, and its length in bytes.
func (w *WordPiece) longest(prefix, word string) (id int64, length int) {
	for end := len(word); end > 0; end-- {
		if id, ok := w.pieces[prefix+word[:end]]; ok {
			return id, end
		}
	}
	return 0, 0
}
