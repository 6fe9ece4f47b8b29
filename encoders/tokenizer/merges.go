package tokenizer

import "unicode/utf8"

// byteLevel and fallback pieces stand for single bytes.
type bytePieces [256]int32

// merge is what two neighbouring pieces become, and how soon: the lowest rank first.
type merge struct{ rank, id int32 }

// mergePieces is byte pair encoding: a word starts as single characters (or
// bytes), and the neighbours of the lowest rank become one piece until no merge
// is left.
type mergePieces struct {
	vocabulary *vocabulary
	merges     map[uint64]merge // by pair
	// inside and last are the pieces of a word's bytes where the model works on
	// bytes, else nil. The last byte of a word may have pieces of its own.
	inside, last *bytePieces
	// fallback are the pieces of the bytes of an unknown character, or nil.
	fallback *bytePieces
	unknown  int32 // none: unknown characters are left out
	fuse     bool  // unknown characters in a row are one piece
}

func pair(left, right int32) uint64 { return uint64(left)<<32 | uint64(right) }

func (m *mergePieces) appendWord(ids []int32, word string) []int32 {
	begin := len(ids)
	if m.inside != nil {
		ids = m.appendBytes(ids, word)
	} else {
		ids = m.appendCharacters(ids, word)
	}
	return ids[:begin+m.merge(ids[begin:])]
}

// appendBytes begins a word of a model that works on bytes.
func (m *mergePieces) appendBytes(ids []int32, word string) []int32 {
	for i := range len(word) {
		pieces := m.inside
		if i == len(word)-1 {
			pieces = m.last
		}
		if id := pieces[word[i]]; id != none {
			ids = append(ids, id)
		} else {
			ids = m.appendUnknown(ids, i > 0)
		}
	}
	return ids
}

// appendCharacters begins a word of a model that works on characters.
func (m *mergePieces) appendCharacters(ids []int32, word string) []int32 {
	for i := 0; i < len(word); {
		_, size := utf8.DecodeRuneInString(word[i:])
		character := word[i : i+size]
		id := m.vocabulary.find(character)
		switch {
		case id != none:
			ids = append(ids, id)
		case m.fallback.has(character):
			ids = m.fallback.append(ids, character)
		default:
			ids = m.appendUnknown(ids, i > 0)
		}
		i += size
	}
	return ids
}

// appendUnknown adds the unknown piece; follows says whether one may stand before it
// in the same word.
func (m *mergePieces) appendUnknown(ids []int32, follows bool) []int32 {
	if m.unknown == none || m.fuse && follows && ids[len(ids)-1] == m.unknown {
		return ids
	}
	return append(ids, m.unknown)
}

// has reports whether each byte of a text has a piece.
func (b *bytePieces) has(text string) bool {
	for i := range len(text) {
		if b == nil || b[text[i]] == none {
			return false
		}
	}
	return true
}

func (b *bytePieces) append(ids []int32, text string) []int32 {
	for i := range len(text) {
		ids = append(ids, b[text[i]])
	}
	return ids
}

// merge applies the merges to a word's pieces in place and gives how many are
// left. The pieces are a linked list and the possible merges a queue, so that a
// word of n pieces takes n log n steps: a hostile text may be one long word.
func (m *mergePieces) merge(ids []int32) int {
	word := newChain(ids)
	var queue mergeQueue
	for i := range len(ids) - 1 {
		m.offer(&queue, word, int32(i))
	}
	for len(queue) > 0 {
		best := queue.pop()
		at := best.position()
		right := word.next[at]
		if word.ids[at] == none || right == none || m.merges[pair(word.ids[at], word.ids[right])] != best.merge() {
			continue // one of the two is part of another piece by now
		}
		word.join(at, best.id)
		if left := word.previous[at]; left != none {
			m.offer(&queue, word, left)
		}
		m.offer(&queue, word, at)
	}
	kept := 0
	for _, id := range ids {
		if id != none {
			ids[kept] = id
			kept++
		}
	}
	return kept
}

// offer queues the merge of the piece at a place with the next one, if there is one.
func (m *mergePieces) offer(queue *mergeQueue, word chain, at int32) {
	right := word.next[at]
	if right == none {
		return
	}
	if found, ok := m.merges[pair(word.ids[at], word.ids[right])]; ok {
		queue.push(queuedMerge{uint64(found.rank)<<32 | uint64(at), found.id})
	}
}

// chain links the pieces of a word; a piece that became part of its left
// neighbour is none.
type chain struct{ ids, previous, next []int32 }

func newChain(ids []int32) chain {
	links := make([]int32, 2*len(ids))
	word := chain{ids, links[:len(ids)], links[len(ids):]}
	for i := range ids {
		word.previous[i], word.next[i] = int32(i)-1, int32(i)+1
	}
	if len(ids) > 0 {
		word.next[len(ids)-1] = none
	}
	return word
}

// join makes the piece at a place and the next one a single piece.
func (c chain) join(at, id int32) {
	right := c.next[at]
	c.ids[at], c.ids[right] = id, none
	c.next[at] = c.next[right]
	if c.next[at] != none {
		c.previous[c.next[at]] = at
	}
}

// queuedMerge is a merge and where it applies.
type queuedMerge struct {
	order uint64 // rank, then place: the merges of one rank go from left to right
	id    int32
}

func (q queuedMerge) position() int32 { return int32(uint32(q.order)) }
func (q queuedMerge) merge() merge    { return merge{int32(q.order >> 32), q.id} }

// mergeQueue is a binary heap, the lowest order on top.
type mergeQueue []queuedMerge

func (q *mergeQueue) push(item queuedMerge) {
	*q = append(*q, item)
	heap := *q
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if heap[parent].order <= heap[i].order {
			return
		}
		heap[parent], heap[i] = heap[i], heap[parent]
		i = parent
	}
}

func (q *mergeQueue) pop() queuedMerge {
	heap := *q
	top, last := heap[0], len(heap)-1
	heap[0] = heap[last]
	heap = heap[:last]
	*q = heap
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if child+1 < last && heap[child+1].order < heap[child].order {
			child++
		}
		if heap[i].order <= heap[child].order {
			return top
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
