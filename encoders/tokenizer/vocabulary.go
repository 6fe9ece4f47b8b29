package tokenizer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Limits of a vocabulary: over three times what the largest known model has.
const (
	mostPieces     = 1 << 20
	mostPieceBytes = 8 << 20
)

// none is the number where there is no piece, and the node where there is none.
const none = -1

// vocabulary finds the numbers of pieces. It is a trie whose nodes stand level by
// level, so that a node's children are neighbours: nine bytes a node, and no
// pointer for the garbage collector to follow.
type vocabulary struct {
	labels []byte  // of the edge that leads to a node; node 0 is the root
	first  []int32 // child of a node; one more than there are nodes
	ids    []int32 // of the piece that ends at a node, or none
}

// step goes from a node on along one byte; there may be no such node.
func (v *vocabulary) step(node int32, label byte) int32 {
	begin, end := v.first[node], v.first[node+1]
	child := bytes.IndexByte(v.labels[begin:end], label)
	if child < 0 {
		return none
	}
	return begin + int32(child)
}

// walk goes from a node on along a text.
func (v *vocabulary) walk(node int32, text string) int32 {
	for i := 0; i < len(text) && node != none; i++ {
		node = v.step(node, text[i])
	}
	return node
}

// find is the number of a piece, or none.
func (v *vocabulary) find(piece string) int32 { return v.at(v.walk(0, piece)) }

// at is the number of the piece that ends at a node, or none.
func (v *vocabulary) at(node int32) int32 {
	if node == none {
		return none
	}
	return v.ids[node]
}

// longest finds the longest piece that begins at a node and that a text starts
// with: its number and how many bytes of the text it has, 0 where there is none.
func (v *vocabulary) longest(node int32, text string) (id int32, length int) {
	for i := 0; i < len(text) && node != none; i++ {
		if node = v.step(node, text[i]); v.at(node) != none {
			id, length = v.ids[node], i+1
		}
	}
	return id, length
}

// pieceList gathers pieces before they are a vocabulary.
type pieceList struct {
	text []byte
	ends []int32 // of each piece in text
	ids  []int32
}

func (l *pieceList) add(piece []byte, id int32) error {
	if len(l.ids) == mostPieces || len(l.text)+len(piece) > mostPieceBytes {
		return fmt.Errorf("has more than %d pieces or %d MiB of text", mostPieces, mostPieceBytes>>20)
	}
	l.text = append(l.text, piece...)
	l.ends = append(l.ends, int32(len(l.text)))
	l.ids = append(l.ids, id)
	return nil
}

func (l *pieceList) piece(index int32) []byte {
	if index == 0 {
		return l.text[:l.ends[0]]
	}
	return l.text[l.ends[index-1]:l.ends[index]]
}

// vocabulary arranges the pieces; each must stand once and have a number of its own.
func (l *pieceList) vocabulary() (*vocabulary, error) {
	if len(l.ids) == 0 {
		return nil, errors.New("is empty")
	}
	if err := distinct(l.ids); err != nil {
		return nil, err
	}
	order := make([]int32, len(l.ids))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(l.piece(a), l.piece(b)) })
	for i := range order[1:] {
		if bytes.Equal(l.piece(order[i]), l.piece(order[i+1])) {
			return nil, fmt.Errorf("%.60q stands twice", l.piece(order[i]))
		}
	}
	return l.trie(order), nil
}

// trie builds the nodes from sorted pieces: the pieces that begin alike are
// neighbours, and each node is a run of them.
func (l *pieceList) trie(order []int32) *vocabulary {
	type run struct{ begin, end, depth int32 }
	v := &vocabulary{labels: []byte{0}}
	runs := []run{{0, int32(len(order)), 0}}
	for node := 0; node < len(runs); node++ {
		at := runs[node]
		v.first = append(v.first, int32(len(runs)))
		id := int32(none)
		if int32(len(l.piece(order[at.begin]))) == at.depth {
			id = l.ids[order[at.begin]]
			at.begin++
		}
		v.ids = append(v.ids, id)
		for at.begin < at.end {
			label, begin := l.piece(order[at.begin])[at.depth], at.begin
			for at.begin < at.end && l.piece(order[at.begin])[at.depth] == label {
				at.begin++
			}
			v.labels = append(v.labels, label)
			runs = append(runs, run{begin, at.begin, at.depth + 1})
		}
	}
	v.first = append(v.first, int32(len(runs)))
	return v
}

// distinct checks that numbers are in range and that none stands twice.
func distinct(ids []int32) error {
	sorted := slices.SortedFunc(slices.Values(ids), cmp.Compare)
	if sorted[0] < 0 || sorted[len(sorted)-1] >= mostPieces {
		return fmt.Errorf("numbers from %d to %d are not within 0 and %d", sorted[0], sorted[len(sorted)-1], mostPieces)
	}
	for i := range sorted[1:] {
		if sorted[i] == sorted[i+1] {
			return fmt.Errorf("number %d stands twice", sorted[i])
		}
	}
	return nil
}
