package keyword

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
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

// anyField finds a word in every field. It is made into terms when the search
// begins, by what words the index then has.
type anyField struct {
	term     string // as the index has it
	tolerant bool   // where no photo has the term, those that differ in one letter will do
	begun    string // "": the word is whole; else what was written of it so far
}

// Searcher is called by bleve.
func (q anyField) Searcher(ctx context.Context, r bleveindex.IndexReader, m mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	var terms []query.Query
	for _, field := range wordFields {
		terms = append(terms, term(field.name, q.term, field.boost))
	}
	similar, err := q.similar(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, word := range similar {
		for _, field := range wordFields {
			terms = append(terms, term(field.name, word, similarShare*field.boost))
		}
	}
	return query.NewDisjunctionQuery(terms).Searcher(ctx, r, m, o)
}

// similar gives words of the index that may have been meant.
func (q anyField) similar(ctx context.Context, r bleveindex.IndexReader) ([]string, error) {
	if utf8.RuneCountInString(q.begun) >= begunRunes {
		return q.expand(func(field string) (bleveindex.FieldDict, error) { return r.FieldDictPrefix(field, []byte(q.begun)) })
	}
	fuzzy, ok := r.(bleveindex.IndexReaderFuzzy)
	if !q.tolerant || !ok {
		return nil, nil
	}
	if known, err := isKnown(ctx, r, q.term); known || err != nil {
		return nil, err
	}
	return q.expand(func(field string) (bleveindex.FieldDict, error) { return fuzzy.FieldDictFuzzy(field, q.term, 1, "") })
}

// isKnown reports whether any photo has the term.
func isKnown(ctx context.Context, r bleveindex.IndexReader, term string) (known bool, err error) {
	for _, field := range wordFields {
		reader, err := r.TermFieldReader(ctx, []byte(term), field.name, false, false, false)
		if err != nil {
			return false, err
		}
		known = known || reader.Count() > 0
		if err := reader.Close(); err != nil {
			return false, err
		}
	}
	return known, nil
}

// expand gives the commonest words that the fields' dictionaries list.
func (q anyField) expand(open func(field string) (bleveindex.FieldDict, error)) ([]string, error) {
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
	delete(counts, q.term)
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

// among finds what its query finds, but for photos that keep refuses.
type among struct {
	query.Query
	keep func(id int64) bool
}

// Searcher is called by bleve.
func (q among) Searcher(ctx context.Context, r bleveindex.IndexReader, m mapping.IndexMapping, o search.SearcherOptions) (search.Searcher, error) {
	found, err := q.Query.Searcher(ctx, r, m, o)
	if err != nil {
		return nil, err
	}
	return searcher.NewFilteringSearcher(ctx, found, func(_ *search.SearchContext, match *search.DocumentMatch) bool {
		key, err := r.ExternalID(match.IndexInternalID)
		if err != nil {
			return true // the search itself will meet the error
		}
		id, err := keyID(key)
		return err != nil || q.keep(id)
	}), nil
}
