package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// mostMerges is nearly twice what the largest known model has.
const mostMerges = 1 << 20

// model reads the section of that name.
func (r *reader) model(data []byte) (model, error) {
	found, err := sections(data, "type", "unk_token", "continuing_subword_prefix", "vocab", // of several models
		"dropout", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "merges",
		"unk_id", "max_input_chars_per_word")
	if err != nil {
		return nil, err
	}
	name := ""
	if data, ok := found["type"]; !ok && found["merges"] != nil {
		name = "BPE" // older files of CLIP do not say so
	} else if err := json.Unmarshal(data, &name); err != nil {
		return nil, fmt.Errorf("type: %w", err)
	}
	if found["vocab"] == nil {
		return nil, errors.New("has no vocab")
	}
	switch {
	case r.bert != (name == "WordPiece"):
		return nil, fmt.Errorf("type %.60q is not supported with this pre_tokenizer: WordPiece and BertPreTokenizer go together", name)
	case r.bytes && name != "BPE":
		return nil, fmt.Errorf("type %.60q is not supported with a ByteLevel pre_tokenizer", name)
	}
	switch name {
	case "BPE":
		return r.readMerges(found)
	case "Unigram":
		return r.readUnigram(found)
	case "WordPiece":
		return r.readWordPiece(found)
	}
	return nil, unsupported(name)
}

// smallFields decodes the fields of a model other than its vocabulary.
func smallFields(found map[string][]byte, into any) error {
	fields := map[string]json.RawMessage{}
	for name, value := range found {
		if name != "vocab" && name != "merges" {
			fields[name] = value
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return strict(data, into)
}

// numbered reads a vocabulary of pieces and their numbers.
func numbered(data []byte) (*vocabulary, error) {
	var list pieceList
	s := scanner{data: data}
	err := s.object(func(piece []byte) error {
		id, err := s.number()
		if err != nil || id != math.Trunc(id) || id < 0 || id >= mostPieces {
			return fmt.Errorf("%.60q has no number within 0 and %d", piece, mostPieces)
		}
		return list.add(piece, int32(id))
	})
	if err != nil {
		return nil, err
	}
	return list.vocabulary()
}

func (r *reader) readMerges(found map[string][]byte) (model, error) {
	var section struct {
		Type         string
		Dropout      float64
		Unknown      string `json:"unk_token"`
		Prefix       string `json:"continuing_subword_prefix"`
		Suffix       string `json:"end_of_word_suffix"`
		Fuse         bool   `json:"fuse_unk"`
		Fallback     bool   `json:"byte_fallback"`
		IgnoreMerges bool   `json:"ignore_merges"`
	}
	if err := smallFields(found, &section); err != nil {
		return nil, err
	}
	switch {
	case section.Dropout != 0 || section.Prefix != "" || section.IgnoreMerges:
		return nil, errors.New("type BPE with dropout, continuing_subword_prefix or ignore_merges is not supported")
	case section.Suffix != "" && !r.bytes:
		return nil, errors.New("type BPE with end_of_word_suffix is supported with a ByteLevel pre_tokenizer only")
	}
	pieces, err := numbered(found["vocab"])
	if err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	m := &mergePieces{vocabulary: pieces, unknown: none, fuse: section.Fuse}
	if section.Unknown != "" {
		if m.unknown = pieces.find(section.Unknown); m.unknown == none {
			return nil, fmt.Errorf("unk_token: vocab has no piece %.60q", section.Unknown)
		}
	}
	if r.bytes {
		m.inside, m.last = byteAlphabet(pieces, ""), byteAlphabet(pieces, section.Suffix)
	}
	if section.Fallback {
		m.fallback = fallbackPieces(pieces)
	}
	if found["merges"] == nil {
		return nil, errors.New("type BPE has no merges")
	}
	if m.merges, err = readMergeList(found["merges"], pieces); err != nil {
		return nil, fmt.Errorf("merges: %w", err)
	}
	return m, nil
}

// readMergeList reads merges, the first of the lowest rank: pairs of pieces, in older
// files with a space between.
func readMergeList(data []byte, pieces *vocabulary) (map[uint64]merge, error) {
	merges := map[uint64]merge{}
	s := scanner{data: data}
	err := s.array(func() error {
		left, right, err := mergePair(&s)
		if err != nil {
			return err
		}
		begin := pieces.walk(0, left)
		found := merge{int32(len(merges)), pieces.at(pieces.walk(begin, right))}
		key := pair(pieces.at(begin), pieces.find(right))
		_, twice := merges[key]
		switch {
		case pieces.at(begin) == none || pieces.find(right) == none || found.id == none:
			return fmt.Errorf("%.60q and %.60q are not pieces of the vocabulary, or the two together", left, right)
		case twice:
			return fmt.Errorf("%.60q and %.60q stand twice", left, right)
		case len(merges) == mostMerges:
			return fmt.Errorf("are more than %d", mostMerges)
		}
		merges[key] = found
		return nil
	})
	return merges, err
}

func mergePair(s *scanner) (left, right string, err error) {
	if s.next() == '"' {
		both, err := s.text()
		first, second, ok := bytes.Cut(both, []byte{' '})
		if !ok || err != nil {
			return "", "", fmt.Errorf("%.60q is not two pieces", both)
		}
		return string(first), string(second), nil
	}
	var two [2]string
	count := 0
	err = s.array(func() error {
		piece, err := s.text()
		if count++; count > len(two) || err != nil {
			return errors.New("a merge is not two pieces")
		}
		two[count-1] = string(piece)
		return nil
	})
	if err == nil && count != len(two) {
		err = errors.New("a merge is not two pieces")
	}
	return two[0], two[1], err
}

// byteAlphabet finds the pieces of single bytes in GPT-2's alphabet: bytes that are
// printable in Latin-1 stand for themselves, the others for characters from U+0100.
func byteAlphabet(pieces *vocabulary, suffix string) *bytePieces {
	found, other := &bytePieces{}, rune(0x100)
	for c := range rune(len(found)) {
		character := c
		if c < '!' || c > '~' && c < '¡' || c == 0xAD {
			character = other
			other++
		}
		found[c] = pieces.find(string(character) + suffix)
	}
	return found
}

// fallbackPieces finds the pieces of single bytes in sentencepiece's naming.
func fallbackPieces(pieces *vocabulary) *bytePieces {
	found := &bytePieces{}
	for c := range found {
		found[c] = pieces.find(fmt.Sprintf("<0x%02X>", c))
	}
	return found
}

func (r *reader) readUnigram(found map[string][]byte) (model, error) {
	var section struct {
		Type     string
		Unknown  *int32 `json:"unk_id"`
		Fallback bool   `json:"byte_fallback"`
	}
	if err := smallFields(found, &section); err != nil {
		return nil, err
	}
	if section.Unknown == nil {
		return nil, errors.New("type Unigram without unk_id is not supported")
	}
	u := &unigramPieces{unknown: *section.Unknown}
	if err := u.read(found["vocab"], r.special); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	if u.unknown < 0 || int(u.unknown) >= len(u.scores) {
		return nil, fmt.Errorf("unk_id: vocab has no piece %d", u.unknown)
	}
	if section.Fallback {
		u.fallback = fallbackPieces(u.vocabulary)
	}
	return u, nil
}

// read reads pieces with their scores. Special pieces and the unknown one have a
// number, but are not looked for in texts.
func (u *unigramPieces) read(data []byte, special map[string]int32) error {
	var list pieceList
	lowest := math.Inf(1)
	s := scanner{data: data}
	err := s.array(func() error {
		piece, score, err := scored(&s)
		if err != nil {
			return err
		}
		id := int32(len(u.scores))
		u.scores = append(u.scores, score)
		lowest = min(lowest, score)
		if _, ok := special[string(piece)]; ok || id == u.unknown {
			return nil
		}
		return list.add(piece, id)
	})
	if err != nil {
		return err
	}
	u.unknownScore = lowest - unknownPenalty
	u.vocabulary, err = list.vocabulary()
	return err
}

// scored reads a piece and its score.
func scored(s *scanner) (piece []byte, score float64, err error) {
	count := 0
	err = s.array(func() error {
		var err error
		switch count++; count {
		case 1:
			piece, err = s.text()
		case 2:
			score, err = s.number()
		}
		return err
	})
	if err != nil || count != 2 || math.Abs(score) > math.MaxInt32 {
		return nil, 0, fmt.Errorf("%.60q is not a piece and its score", piece)
	}
	return piece, score, nil
}

func (r *reader) readWordPiece(found map[string][]byte) (model, error) {
	var section struct {
		Type    string
		Unknown string `json:"unk_token"`
		Prefix  string `json:"continuing_subword_prefix"`
		Longest int    `json:"max_input_chars_per_word"`
	}
	if err := smallFields(found, &section); err != nil {
		return nil, err
	}
	pieces, err := numbered(found["vocab"])
	if err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	unknown := pieces.find(section.Unknown)
	if unknown == none || section.Prefix == "" || section.Longest < 1 {
		return nil, errors.New("unk_token, continuing_subword_prefix or max_input_chars_per_word is missing, or vocab has no such piece")
	}
	return newWordPieces(pieces, section.Prefix, unknown, section.Longest), nil
}
