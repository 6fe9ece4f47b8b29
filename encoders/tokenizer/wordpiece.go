package tokenizer

import (
	"bufio"
	"fmt"
	"io"
	"unicode/utf8"
)

// Special pieces that a BERT vocabulary must have.
const (
	classify = "[CLS]"
	separate = "[SEP]"
	unknown  = "[UNK]"
)

// longestWord is BERT's limit in runes: a longer word is one unknown piece.
const longestWord = 100

// WordPiece is BERT's tokenizer over a plain list of pieces. It is safe for
// concurrent use.
type WordPiece struct {
	pieces     *wordPieces
	rules      Rules
	classifyID int32
	separateID int32
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
func NewWordPiece(lines io.Reader, rules Rules) (*WordPiece, error) {
	if rules.Context < 3 {
		return nil, fmt.Errorf("context of %d pieces has no room for a word", rules.Context)
	}
	var list pieceList
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		if err := list.add(scanner.Bytes(), int32(len(list.ids))); err != nil {
			return nil, fmt.Errorf("vocabulary %w", err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	pieces, err := list.vocabulary()
	if err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	for _, piece := range []string{classify, separate, unknown} {
		if pieces.find(piece) == none {
			return nil, fmt.Errorf("vocabulary has no %s", piece)
		}
	}
	model := newWordPieces(pieces, "##", pieces.find(unknown), longestWord)
	return &WordPiece{model, rules, pieces.find(classify), pieces.find(separate)}, nil
}

// Encode gives the piece numbers of a text, at least [CLS] and [SEP]; what goes
// beyond the context is cut off. Names of special pieces in the text are text.
func (w *WordPiece) Encode(text string) []int64 {
	room := w.rules.Context - 1
	ids := []int32{w.classifyID}
	for word := range words(text, w.rules.LowerCase) {
		if len(ids) >= room {
			break
		}
		ids = w.pieces.appendWord(ids, word)
	}
	ids = append(ids[:min(len(ids), room)], w.separateID)
	wide := make([]int64, len(ids))
	for i, id := range ids {
		wide[i] = int64(id)
	}
	return wide
}

// wordPieces splits a word into the longest pieces from the left.
type wordPieces struct {
	vocabulary *vocabulary
	inside     int32 // node of the vocabulary where pieces inside a word begin, or none
	unknown    int32
	longest    int // runes of a word
}

func newWordPieces(pieces *vocabulary, prefix string, unknown int32, longest int) *wordPieces {
	return &wordPieces{pieces, pieces.walk(0, prefix), unknown, longest}
}

// appendWord adds the pieces of a word. One that cannot be split to its end, or is
// too long, is unknown as a whole.
func (w *wordPieces) appendWord(ids []int32, word string) []int32 {
	begin := len(ids)
	if utf8.RuneCountInString(word) > w.longest {
		return append(ids, w.unknown)
	}
	for node := int32(0); word != ""; node = w.inside {
		id, length := w.vocabulary.longest(node, word)
		if length == 0 {
			return append(ids[:begin], w.unknown)
		}
		ids = append(ids, id)
		word = word[length:]
	}
	return ids
}
