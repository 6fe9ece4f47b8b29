package keyword

import (
	"context"
	"fmt"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search/query"

	"vsed/index"
)

// maxTerms is how many different words of a query are looked for; the rest of a
// longer one is ignored. Each costs a look-up in four fields.
const maxTerms = 32

// Weights of a word by where it stands, set by hand until they are measured: a
// tag was said by someone of this photo, a place's or folder's name of many. A
// whole tag stands above any sum of words: bleve's weight of a term is about 1 for the
// commonest and 219 for one in a million photos, a score shrinks with the root
// of the number of terms in its field, and with the share of clauses that
// matched, at worst 1 in 33 here.
const (
	boostWhole   = 1e9
	boostTags    = 4
	boostNames   = 1.5
	boostPlaces  = 1
	boostFolders = 0.5
)

// Search finds at most limit photos that have any word of the text, best first,
// of equal scores the lower id first. A photo with a tag or file name that is the
// whole text, but for case, accents and spaces, comes before all that have not;
// Whole tells it. Of the text
// the first 16 KiB and in them the first 32 different words count; English stop
// words ("on", "the") find whole tags only. A text without a word finds nothing.
func (x *Index) Search(ctx context.Context, text string, limit int) ([]index.Hit, error) {
	clauses := x.clauses(text)
	if len(clauses) == 0 || limit <= 0 {
		return nil, ctx.Err()
	}
	request := bleve.NewSearchRequestOptions(query.NewDisjunctionQuery(clauses), limit, 0, false)
	request.SortBy([]string{"-_score", "_id"})
	var answer *bleve.SearchResult
	err := x.read(func(opened bleve.Index) (err error) {
		answer, err = opened.SearchInContext(ctx, request)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keyword index: search: %w", err)
	}
	hits := make([]index.Hit, len(answer.Hits))
	for i, match := range answer.Hits {
		id, err := keyID(match.ID)
		if err != nil {
			return nil, fmt.Errorf("keyword index: document %q: %w", match.ID, err)
		}
		hits[i] = index.Hit{ID: id, Score: match.Score}
	}
	return hits, nil
}

// leastWhole lies between the scores of those that match as a whole and all
// others: bleve divides by the length of the query's weights, in which
// boostWhole is all, so that the one are near 1 and the others below a
// millionth.
const leastWhole = 1e-4

// Whole reports whether a hit of Search has a tag or file name that is the whole
// text.
func Whole(hit index.Hit) bool { return hit.Score > leastWhole }

// clauses are the whole text and each word of it. A word's fields make one
// clause, so that a second word counts more than the same word in a second
// field: bleve scales by the share of clauses that matched.
func (x *Index) clauses(text string) []query.Query {
	var clauses []query.Query
	if normal := Normal(text); normal != "" && len(normal) <= wholeBytes {
		clauses = append(clauses, query.NewDisjunctionQuery([]query.Query{term(fieldWhole, normal, boostWhole), term(fieldName, normal, boostWhole)}))
	}
	for _, word := range x.terms(text) {
		clauses = append(clauses, query.NewDisjunctionQuery([]query.Query{
			term(fieldTags, word, boostTags),
			term(fieldNames, word, boostNames),
			term(fieldPlaces, word, boostPlaces),
			term(fieldFolders, word, boostFolders),
		}))
	}
	return clauses
}

func term(field, text string, boost float64) *query.TermQuery {
	clause := query.NewTermQuery(text)
	clause.SetField(field)
	clause.SetBoost(boost)
	return clause
}

// terms are the text's words as the index has them, each once.
func (x *Index) terms(text string) []string {
	var terms []string
	for _, token := range x.analyser.Analyze([]byte(words(text))) {
		if len(terms) == maxTerms {
			break
		}
		terms = append(terms, string(token.Term))
	}
	return terms
}
