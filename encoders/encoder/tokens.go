package encoder

import (
	"fmt"
	"os"
	"path/filepath"

	"vsed/encoders/bundle"
	"vsed/encoders/tokenizer"
)

// pieces is a text as the graph takes it: the numbers of its pieces, and 1 for
// each of them or 0 for what only fills up.
type pieces struct{ ids, mask []int32 }

// tokens turns a text into pieces.
type tokens func(text string) pieces

// openTokens loads the tokenizer that a manifest's text section names.
func openTokens(folder string, text bundle.Text) (tokens, error) {
	if text.Tokenizer.Kind == "wordpiece" {
		return openWordPiece(folder, text)
	}
	return openHuggingFace(folder, text)
}

func openWordPiece(folder string, text bundle.Text) (tokens, error) {
	vocabulary, err := os.Open(filepath.Join(folder, filepath.FromSlash(text.Tokenizer.Vocabulary)))
	if err != nil {
		return nil, err
	}
	defer vocabulary.Close()
	loaded, err := tokenizer.NewWordPiece(vocabulary, tokenizer.Rules{Context: text.Context, LowerCase: text.Tokenizer.LowerCase})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text.Tokenizer.Vocabulary, err)
	}
	return func(sentence string) pieces {
		found := loaded.Encode(sentence)
		p := pieces{make([]int32, len(found)), make([]int32, len(found))}
		for i, id := range found {
			p.ids[i], p.mask[i] = int32(id), 1
		}
		return p
	}, nil
}

func openHuggingFace(folder string, text bundle.Text) (tokens, error) {
	description, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(text.Tokenizer.File)))
	if err != nil {
		return nil, err
	}
	config := []byte("{}")
	if text.Tokenizer.Config != "" {
		if config, err = os.ReadFile(filepath.Join(folder, filepath.FromSlash(text.Tokenizer.Config))); err != nil {
			return nil, err
		}
	}
	loaded, err := tokenizer.FromJSON(description, config, tokenizer.Options{
		Context: text.Context, Canonicalize: text.Tokenizer.Canonicalize, Language: text.Tokenizer.Language,
	})
	if err != nil {
		return nil, err
	}
	return func(sentence string) pieces {
		ids, mask := loaded.Encode(sentence)
		if text.Padded {
			return pieces{ids, mask}
		}
		length := 0
		for _, used := range mask {
			length += int(used)
		}
		return pieces{ids[:length], mask[:length]}
	}, nil
}
