package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// mostCharsmap is the size in bytes of the largest map that is read; the largest
// known is 300 kB.
const mostCharsmap = 2 << 20

// charsmap is sentencepiece's precompiled normalisation: what runs of characters
// become, as a double-array trie (the darts-clone library's) over the
// replacements' text.
type charsmap struct {
	units        []uint32
	replacements []byte // each ends with a zero byte
}

func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errors.New("has no size")
	}
	size, rest := binary.LittleEndian.Uint32(data), data[4:]
	if size == 0 || size%4 != 0 || uint64(size) > uint64(len(rest)) {
		return nil, errors.New("is cut off or damaged")
	}
	units := make([]uint32, size/4)
	for i := range units {
		units[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	return &charsmap{units, rest[size:]}, nil
}

// normalise replaces the longest run of characters that the map has, from the
// left; a character that it has not stays.
func (c *charsmap) normalise(text string) string {
	var normalised strings.Builder
	for text != "" {
		length, replacement := c.longest(text)
		if length == 0 {
			_, length = utf8.DecodeRuneInString(text)
			replacement = text[:length]
		}
		normalised.WriteString(replacement)
		text = text[length:]
	}
	return normalised.String()
}

// longest finds the longest run that a text starts with, its length in bytes and
// what it becomes.
func (c *charsmap) longest(text string) (length int, replacement string) {
	node := offset(c.units[0])
	for i := range len(text) {
		node ^= uint32(text[i])
		if text[i] == 0 || uint64(node) >= uint64(len(c.units)) {
			break
		}
		unit := c.units[node]
		if unit&(1<<31|0xFF) != uint32(text[i]) {
			break
		}
		node ^= offset(unit)
		if hasLeaf := unit>>8&1 == 1; !hasLeaf {
			continue
		}
		if found, ok := c.replacement(node); ok {
			length, replacement = i+1, found
		}
	}
	return length, replacement
}

// offset is where the children of a unit are, to be xor-ed with their byte.
func offset(unit uint32) uint32 { return unit >> 10 << (unit >> 6 & 8) }

// replacement reads what a leaf points at.
func (c *charsmap) replacement(leaf uint32) (string, bool) {
	if uint64(leaf) >= uint64(len(c.units)) {
		return "", false
	}
	begin := c.units[leaf] & (1<<31 - 1)
	if uint64(begin) > uint64(len(c.replacements)) {
		return "", false
	}
	text, _, ended := bytes.Cut(c.replacements[begin:], []byte{0})
	return string(text), ended
}
