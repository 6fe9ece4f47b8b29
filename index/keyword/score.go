package keyword

import (
	"context"
	"errors"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"vsed/index"
)

// The score of a photo is its share of the words times the sum of the weights
// of where they stand: of each field that has the word, the field's own weight
// times the square of how rare the word is in it (1 and more, see rarity). It is
// told as a share of the most that the words could have; a photo that has the
// text as a whole gets wholeScore more.
//
// How long a field is counts nothing, unlike in bleve: a photo is no worse an
// answer for having more tags. So a search needs which photos have a word and
// nothing else, which are bitmaps, of a bit or less a photo: two words that each of
// a million photos has take 12 ms, where bleve's own search took 390
// (TestAMillionDocumentsSoak, medians).

// A wordList is where one word stands.
type wordList struct {
	bit    uint32 // of the word on a board
	word   string // as it was written; "" the whole text
	term   string // what the index has: another one, where the word was misspelt or begun
	field  string
	weight float32
	parts  []*roaring.Bitmap // by part; nil: none
}

// A lookup is what a search looks for.
type lookup struct {
	words int        // how many
	lists []wordList // none is empty
	most  float64    // the highest sum of weights
}

// look finds the postings of all words.
func (r *reading) look(ctx context.Context, words []wanted, whole string) (*lookup, error) {
	l := &lookup{words: len(words)}
	if whole != "" {
		for _, field := range []string{fieldWhole, fieldName} {
			if err := r.add(l, field, whole, wordList{bit: wholeBit}, 0); err != nil {
				return nil, err
			}
		}
	}
	for number, word := range words {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.addWord(l, word, 1<<number); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// addWord adds the lists of a word and of what it may stand for.
func (r *reading) addWord(l *lookup, word wanted, bit uint32) error {
	before := len(l.lists)
	add := func(term string, share float64) error {
		for _, field := range wordFields {
			if err := r.add(l, field.name, term, wordList{bit: bit, word: word.written}, share*field.boost); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(word.stem, 1); err != nil {
		return err
	}
	similar, err := r.similar(word, len(l.lists) > before)
	for _, other := range similar {
		err = errors.Join(err, add(other, similarShare))
	}
	return err
}

// add adds the list of a term in a field, where any photo has it.
func (r *reading) add(l *lookup, field, term string, list wordList, boost float64) error {
	list.field, list.term = field, term
	count := uint64(0)
	for i := range r.parts {
		bitmap, err := r.parts[i].postings(field, term)
		if err != nil {
			return err
		}
		if bitmap == nil || bitmap.IsEmpty() {
			continue
		}
		if list.parts == nil {
			list.parts = make([]*roaring.Bitmap, len(r.parts))
		}
		list.parts[i] = bitmap
		count += bitmap.GetCardinality()
		if removed := r.parts[i].removed; removed != nil {
			count -= bitmap.AndCardinality(removed)
		}
	}
	if count > 0 {
		rare := rarity(count, r.docs)
		list.weight = float32(boost * rare * rare)
		l.lists, l.most = append(l.lists, list), l.most+float64(list.weight)
	}
	return nil
}

// rarity is 1 for a word that all have, and 14 for one of a million.
func rarity(having, all uint64) float64 { return 1 + math.Log(float64(all+1)/float64(having+1)) }

// chunk is how many documents are scored at a time: the numbers of one of a
// bitmap's containers. What a search holds stays in the processor's cache.
const chunk = 1 << 16

// A board holds the sums of a chunk.
type board struct {
	sums  [chunk]float32
	words [chunk]uint32 // a bit a word that the document has, and wholeBit
}

const (
	// wholeBit marks what has the text as a whole.
	wholeBit = 1 << maxTerms
	// wholeScore is more than all words make.
	wholeScore = 2
)

var boards = sync.Pool{New: func() any { return new(board) }}

// A cursor runs through a bitmap.
type cursor struct {
	list *wordList
	many roaring.ManyIntIterable
	left []uint32
	room []uint32
}

// cursorRoom is how many documents a cursor takes at a time. Most words stand on
// fewer photos.
const cursorRoom = 512

func newCursor(list *wordList, bitmap *roaring.Bitmap) *cursor {
	c := &cursor{list: list, many: bitmap.ManyIterator(), room: make([]uint32, min(cursorRoom, bitmap.GetCardinality()))}
	c.fill()
	return c
}

func (c *cursor) fill() { c.left = c.room[:c.many.NextMany(c.room)] }

// next is where the cursor stands; beyond all documents at the end.
func (c *cursor) next() uint64 {
	if len(c.left) == 0 {
		return math.MaxUint64
	}
	return uint64(c.left[0])
}

// mark puts the documents of a chunk onto the board.
func (c *cursor) mark(b *board, first uint64) {
	weight, bit := c.list.weight, c.list.bit
	for len(c.left) > 0 && uint64(c.left[0]) < first+chunk {
		end := len(c.left)
		if uint64(c.left[end-1]) >= first+chunk {
			end, _ = slices.BinarySearch(c.left, uint32(first+chunk))
		}
		for _, document := range c.left[:end] {
			b.sums[document%chunk] += weight
			b.words[document%chunk] |= bit
		}
		if c.left = c.left[end:]; len(c.left) == 0 {
			c.fill()
		}
	}
}

// best gives the photos with the highest scores.
func (r *reading) best(ctx context.Context, l *lookup, limit int, keep func(int64) bool) ([]index.Hit, error) {
	top := &top{limit: limit, keep: keep}
	b := boards.Get().(*board)
	for i, part := range r.parts {
		if err := l.play(ctx, b, i, part, top); err != nil {
			return nil, err
		}
	}
	boards.Put(b) // not after a panic: it must be empty
	return top.hits(), nil
}

// play scores the documents of a part.
func (l *lookup) play(ctx context.Context, b *board, number int, part part, top *top) error {
	var cursors []*cursor
	for at := range l.lists {
		if bitmap := l.lists[at].parts[number]; bitmap != nil {
			cursors = append(cursors, newCursor(&l.lists[at], bitmap))
		}
	}
	for ctx.Err() == nil {
		first := uint64(math.MaxUint64)
		for _, c := range cursors {
			first = min(first, c.next())
		}
		if first == math.MaxUint64 {
			return nil
		}
		first -= first % chunk
		for _, c := range cursors {
			c.mark(b, first)
		}
		top.collect(b, part, first, l)
	}
	return ctx.Err()
}

// score is that of a document by what it has.
func (l *lookup) score(sum float32, words uint32) (score float64) {
	if l.words > 0 && l.most > 0 {
		score = float64(bits.OnesCount32(words&^wholeBit)) / float64(l.words) * float64(sum) / l.most
	}
	if words&wholeBit != 0 {
		score += wholeScore
	}
	return score
}

// A top keeps the best hits.
type top struct {
	limit  int
	keep   func(int64) bool
	list   []index.Hit
	pruned bool
	worst  index.Hit // of those kept, once there are limit of them
}

// collect takes what is on the board off it.
func (t *top) collect(b *board, p part, first uint64, l *lookup) {
	for i, words := range b.words[:min(chunk, uint64(len(p.photos.ids))-first)] {
		if words == 0 {
			continue
		}
		score := l.score(b.sums[i], words)
		b.sums[i], b.words[i] = 0, 0
		if t.pruned && score < t.worst.Score {
			continue
		}
		document := first + uint64(i)
		hit := index.Hit{ID: p.photos.ids[document], Score: score}
		if t.pruned && index.Compare(hit, t.worst) >= 0 || p.removed != nil && p.removed.Contains(uint32(document)) || t.keep != nil && !t.keep(hit.ID) {
			continue
		}
		if t.list = append(t.list, hit); len(t.list) >= 2*t.limit+chunk/64 {
			t.prune()
		}
	}
}

func (t *top) prune() {
	slices.SortFunc(t.list, index.Compare)
	if len(t.list) >= t.limit {
		t.list, t.pruned = t.list[:t.limit], true
		t.worst = t.list[t.limit-1]
	}
}

func (t *top) hits() []index.Hit {
	t.prune()
	return t.list
}

// score gives those of the photos that have any word.
func (r *reading) score(l *lookup, ids []int64, keep func(int64) bool) (hits []index.Hit) {
	sums, words := make([]float32, len(ids)), make([]uint32, len(ids))
	r.each(l, ids, func(at int, list *wordList) {
		sums[at] += list.weight
		words[at] |= list.bit
	})
	for at, have := range words {
		if have != 0 && (keep == nil || keep(ids[at])) {
			hits = append(hits, index.Hit{ID: ids[at], Score: l.score(sums[at], have)})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits
}

// each calls found for every list that has one of the photos, list by list, with the
// place of the photo among the ids.
func (r *reading) each(l *lookup, ids []int64, found func(at int, list *wordList)) {
	for i := range r.parts {
		places := r.parts[i].find(ids)
		if len(places) == 0 {
			continue
		}
		asked := roaring.New()
		for _, place := range places {
			asked.Add(place.document)
		}
		for at := range l.lists {
			if bitmap := l.lists[at].parts[i]; bitmap != nil {
				next := 0
				for documents := roaring.And(asked, bitmap).Iterator(); documents.HasNext(); {
					document := documents.Next()
					for places[next].document != document {
						next++
					}
					found(places[next].at, &l.lists[at])
				}
			}
		}
	}
}
