package keyword

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	bleveindex "github.com/blevesearch/bleve_index_api"
)

const (
	// maxSimilar is how many words of the index stand for one that was misspelt
	// or only begun: the commonest.
	maxSimilar = 16
	// maxLooked is how many words of one field are looked at for those.
	maxLooked = 2000
	// similarShare is the weight of such a word beside the word itself.
	similarShare = 0.4
	// begunRunes is how much of a word must stand there: a single letter begins
	// too many.
	begunRunes = 2
)

// similar gives words of the index that may have been meant where the word is only
// begun, or where no photo has it, as it may be misspelt.
func (r *reading) similar(word wanted, known bool) ([]string, error) {
	if utf8.RuneCountInString(word.begun) >= begunRunes {
		return word.expand(func(field string) (bleveindex.FieldDict, error) { return r.FieldDictPrefix(field, []byte(word.begun)) })
	}
	if !word.tolerant || known {
		return nil, nil
	}
	return word.expand(func(field string) (bleveindex.FieldDict, error) { return r.FieldDictFuzzy(field, word.stem, 1, "") })
}

// expand gives the commonest words that the fields' dictionaries list.
func (w wanted) expand(open func(field string) (bleveindex.FieldDict, error)) ([]string, error) {
	counts := make(map[string]uint64)
	for _, field := range wordFields {
		dictionary, err := open(field.name)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(count(dictionary, counts), dictionary.Close()); err != nil {
			return nil, err
		}
	}
	delete(counts, w.stem)
	common := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return common[:min(len(common), maxSimilar)], nil
}

func count(dictionary bleveindex.FieldDict, counts map[string]uint64) error {
	for range maxLooked {
		entry, err := dictionary.Next()
		if err != nil || entry == nil {
			return err
		}
		counts[entry.Term] += entry.Count
	}
	return nil
}
