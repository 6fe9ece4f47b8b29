package keyword

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search/query"

	"vsed/index"
)

// maxTerms is how many different words of a query are looked for; the rest of a
// longer one is ignored. Each costs a look-up in every field.
const maxTerms = 32

// Weights of a word by where it stands, set by hand until they are measured: a
// tag was said by someone of this photo, a place's or folder's name of many. A
// whole tag stands above any sum of words: bleve's weight of a term is about 1 for the
// commonest and 219 for one in a million photos, a score shrinks with the root
// of the number of terms in its field, and with the share of clauses that
// matched, at worst 1 in 33 here.
const boostWhole = 1e12

var wordFields = []struct {
	name  string
	boost float64
}{
	{fieldTags, 4}, {fieldTitles, 3}, {fieldDescriptions, 1.5}, {fieldNames, 1.5}, {fieldPlaces, 1}, {fieldCameras, 0.5}, {fieldFolders, 0.5},
}

// A SearchOption changes what a Search finds.
type SearchOption func(*asked)

type asked struct {
	keep   func(id int64) bool // nil: all
	typing bool
}

// Among limits a search to the photos for which keep is true. It is called once
// for each photo that has a word of the text.
func Among(keep func(id int64) bool) SearchOption { return func(a *asked) { a.keep = keep } }

// Typing takes the last word of the text, where no blank follows it, for the
// beginning of one.
func Typing() SearchOption { return func(a *asked) { a.typing = true } }

// Search finds at most limit photos that have any word of the text, best first,
// of equal scores the lower id first. A photo with a tag or file name that is the
// whole text, but for case, accents and spaces, comes before all that have not;
// Whole tells it. Of the text
// the first 16 KiB and in them the first 32 different words count; stop words
// ("on", "the") find whole tags only. A word of five letters or more that no
// photo has finds those that differ in one letter. A text without a word finds
// nothing.
func (x *Index) Search(ctx context.Context, text string, limit int, options ...SearchOption) ([]index.Hit, error) {
	var asked asked
	for _, option := range options {
		option(&asked)
	}
	clauses := x.clauses(text, asked.typing)
	if len(clauses) == 0 || limit <= 0 {
		return nil, ctx.Err()
	}
	var all query.Query = query.NewDisjunctionQuery(clauses)
	if asked.keep != nil {
		all = among{all, asked.keep}
	}
	request := bleve.NewSearchRequestOptions(all, limit, 0, false)
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
// hundred thousandth.
const leastWhole = 1e-4

// Whole reports whether a hit of Search has a tag or file name that is the whole
// text.
func Whole(hit index.Hit) bool { return hit.Score > leastWhole }

// clauses are the whole text and each word of it. A word's fields make one
// clause, so that a second word counts more than the same word in a second
// field: bleve scales by the share of clauses that matched.
func (x *Index) clauses(text string, typing bool) []query.Query {
	var clauses []query.Query
	if normal := Normal(text); normal != "" && len(normal) <= wholeBytes {
		clauses = append(clauses, query.NewDisjunctionQuery([]query.Query{term(fieldWhole, normal, boostWhole), term(fieldName, normal, boostWhole)}))
	}
	last := ""
	if typing {
		last = unfinished(text)
	}
	for _, word := range x.terms(text) {
		clause := anyField{term: word.stem, tolerant: word.tolerant}
		if word.written == last {
			clause.begun, last = last, ""
		}
		clauses = append(clauses, clause)
	}
	if last != "" {
		clauses = append(clauses, anyField{term: last, begun: last})
	}
	return clauses
}

// unfinished gives the word that the text ends with; "" where it ends otherwise.
func unfinished(text string) string {
	last, _ := utf8.DecodeLastRuneInString(text)
	list := strings.Fields(words(text))
	if len(list) == 0 || isSeparator(last) {
		return ""
	}
	return list[len(list)-1]
}

func term(field, text string, boost float64) *query.TermQuery {
	clause := query.NewTermQuery(text)
	clause.SetField(field)
	clause.SetBoost(boost)
	return clause
}

// A wanted word of a query.
type wanted struct {
	stem     string // as the index has it
	written  string
	tolerant bool // long enough for a slip
}

// tolerantRunes is the length of a word from which on a slip is forgiven.
const tolerantRunes = 5

// terms are the text's words, each stem once.
func (x *Index) terms(text string) []wanted {
	var terms []wanted
	source := words(text)
	for _, token := range x.analyser.Analyze([]byte(source)) {
		if len(terms) == maxTerms {
			break
		}
		written := source[token.Start:token.End]
		digit := strings.ContainsFunc(written, unicode.IsNumber)
		terms = append(terms, wanted{string(token.Term), written, !digit && utf8.RuneCountInString(written) >= tolerantRunes})
	}
	return terms
}
