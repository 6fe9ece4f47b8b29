package search

import (
	"context"
	"slices"
	"time"

	"vsed/daemon/attributes"
	"vsed/daemon/query"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/keyword"
)

// A Match is a word of the query that a photo has, or the whole of it.
type Match struct {
	Word  string   // as it was asked for; "" the whole text
	Field string   // one of package keyword, or FieldLearned
	Texts []string // of that field which have the word, such as the tag
}

// A Reason tells why a photo was found.
type Reason struct {
	Matches []Match
	Ranked  bool // whether its place is by what it shows and says: not where a filter alone lists it
	// What follows is there only where an explanation was asked for.
	Cosine               *float64 // nil: it has no vector, or was not asked for one
	VectorRank, WordRank int      // place in each index's list, from 1 on; 0: in none
	Filters              []string // that it passed
}

// An Explanation tells what was made of a query.
type Explanation struct {
	Parsed         string
	Rows, Rescored int // of the vector index: scanned, and computed exactly
	Steps          []Step
}

// A Step is a part of the work. Encoding goes on beside what comes before the
// vectors.
type Step struct {
	Name string
	Took time.Duration
}

// A clock notes how long steps take.
type clock struct{ steps []Step }

// time adds what has passed since begin to a step.
func (c *clock) time(name string, begin time.Time) {
	took := time.Since(begin)
	if i := slices.IndexFunc(c.steps, func(s Step) bool { return s.Name == name }); i >= 0 {
		c.steps[i].Took += took
		return
	}
	c.steps = append(c.steps, Step{name, took})
}

// A source is one alternative's part in a ranking: where its hits come from. The
// maps are nil unless an explanation is asked for.
type source struct {
	alternative            query.Alternative
	cosines                map[int64]float64
	vectorRanks, wordRanks map[int64]int
}

// explain keeps what the lists say of each photo.
func (s *source) explain(lists fusion.Lists) {
	s.cosines = make(map[int64]float64, len(lists.Vectors))
	for _, hit := range lists.Vectors {
		s.cosines[hit.ID] = hit.Score
	}
	s.vectorRanks = ranks(lists.Vectors[:min(candidates, len(lists.Vectors))])
	s.wordRanks = ranks(lists.Words[:min(candidates, len(lists.Words))])
}

func ranks(hits []index.Hit) map[int64]int {
	places := make(map[int64]int, len(hits))
	for i, hit := range hits {
		places[hit.ID] = i + 1
	}
	return places
}

// reasons tells of each photo of a page why it was found, by the alternative that
// it owes its score to.
func (e *Engine) reasons(ctx context.Context, hits []Hit, found ranking, asked Request) error {
	byText := make(map[string][]int)
	for i := range hits {
		id, from := hits[i].Photo.ID, found.from(hits[i].Photo.ID)
		reason := &hits[i].Reason
		reason.Ranked = from.alternative.Ranked()
		reason.VectorRank, reason.WordRank = from.vectorRanks[id], from.wordRanks[id]
		if cosine, ok := from.cosines[id]; ok {
			reason.Cosine = &cosine
		}
		if text := from.alternative.Text; text != "" {
			byText[text] = append(byText[text], i)
		}
	}
	for text, places := range byText {
		if err := e.matched(ctx, text, hits, places, asked.words()); err != nil {
			return err
		}
		if err := e.matchedLearned(ctx, text, hits, places); err != nil {
			return err
		}
	}
	if !asked.Explain {
		return nil
	}
	return e.passed(ctx, hits, found)
}

// matched notes which words of the text the photos have, and where.
func (e *Engine) matched(ctx context.Context, text string, hits []Hit, places []int, options []keyword.SearchOption) error {
	var ids []int64
	for _, i := range places {
		ids = append(ids, hits[i].Photo.ID)
	}
	found, err := e.words.Explain(ctx, text, ids, options...)
	if err != nil {
		return err
	}
	for _, i := range places {
		document := e.document(hits[i].Photo)
		for _, match := range found[hits[i].Photo.ID] {
			hits[i].Reason.Matches = append(hits[i].Reason.Matches, Match{match.Word, match.Field, e.words.Texts(document, match)})
		}
	}
	return nil
}

// passed notes the filters that each photo passed: all of its alternative's, of
// those with an OR between them the ones that it does pass.
func (e *Engine) passed(ctx context.Context, hits []Hit, found ranking) error {
	passing := make(map[string]attributes.Set)
	for i := range hits {
		for _, one := range conditions(found.from(hits[i].Photo.ID).alternative.Filter) {
			name := one.String()
			if _, ok := passing[name]; !ok {
				set, err := e.attributes.Select(ctx, one)
				if err != nil {
					return err
				}
				passing[name] = set
			}
			if passing[name].Has(hits[i].Photo.ID) {
				hits[i].Reason.Filters = append(hits[i].Reason.Filters, name)
			}
		}
	}
	return nil
}

// conditions are the filters of an expression, as they stand in a query.
func conditions(e query.Expression) (list []query.Expression) {
	switch e := e.(type) {
	case nil:
	case query.And:
		for _, one := range e {
			list = append(list, conditions(one)...)
		}
	case query.Or:
		for _, one := range e {
			list = append(list, conditions(one)...)
		}
	default:
		list = append(list, e)
	}
	return list
}
