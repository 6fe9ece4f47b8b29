package tokenizer

import (
	"math"
	"slices"
	"unicode/utf8"
)

// unknownPenalty is how far below the worst piece sentencepiece scores a
// character that has none.
const unknownPenalty = 10

// unigramPieces is sentencepiece's unigram model: of all ways to part a word into
// pieces, the one whose scores add up to most. Sums are float64 and of one word, as
// the tokenizers library adds them, so that ties fall the same way.
type unigramPieces struct {
	vocabulary   *vocabulary // without the special pieces
	scores       []float64   // by number
	unknown      int32
	unknownScore float64
	fallback     *bytePieces // of the bytes of unknown characters, or nil
}

// reach is the best way to part a word up to some byte.
type reach struct {
	score float64
	from  int32 // byte where its last piece begins
	id    int32 // of its last piece
}

func (u *unigramPieces) appendWord(ids []int32, word string) []int32 {
	return u.appendBest(ids, word, u.best(word))
}

// best gives for each byte of a word where a piece can end the best way there.
func (u *unigramPieces) best(word string) []reach {
	ways := make([]reach, len(word)+1)
	for i := range ways[1:] {
		ways[i+1].score = math.Inf(-1)
	}
	for begin := 0; begin < len(word); {
		_, size := utf8.DecodeRuneInString(word[begin:])
		single := false
		for node, end := int32(0), begin; end < len(word); {
			if node = u.vocabulary.step(node, word[end]); node == none {
				break
			}
			end++
			if id := u.vocabulary.ids[node]; id != none {
				single = single || end == begin+size
				improve(ways, begin, end, u.scores[id], id)
			}
		}
		if !single {
			improve(ways, begin, begin+size, u.unknownScore, u.unknown)
		}
		begin += size
	}
	return ways
}

// improve takes a piece into the ways if it leads to its end better.
func improve(ways []reach, begin, end int, score float64, id int32) {
	if score += ways[begin].score; score > ways[end].score {
		ways[end] = reach{score, int32(begin), id}
	}
}

// appendBest follows the best ways back from a word's end. Unknown characters in
// a row are one piece, or the pieces of their bytes.
func (u *unigramPieces) appendBest(ids []int32, word string, ways []reach) []int32 {
	begin := len(ids)
	for end := int32(len(word)); end > 0; {
		from, id := ways[end].from, ways[end].id
		if id == u.unknown {
			for from > 0 && ways[from].id == u.unknown {
				from = ways[from].from
			}
		}
		if text := word[from:end]; id == u.unknown && u.fallback.has(text) {
			for i := len(text); i > 0; i-- {
				ids = append(ids, u.fallback[text[i-1]])
			}
		} else {
			ids = append(ids, id)
		}
		end = from
	}
	slices.Reverse(ids[begin:])
	return ids
}
