// Package search answers queries: it asks the vector index and the keyword
// index, fuses their lists and reads the photos that were found. It also keeps
// both indexes in step with the catalogue (Follow). What an index does inside
// belongs under index, what a photo is into the catalogue.
package search

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vsed/daemon/attributes"
	"vsed/daemon/catalogue"
	"vsed/daemon/places"
	"vsed/daemon/query"
	"vsed/index"
	"vsed/index/keyword"
)

const (
	// candidates is how many hits of each index take part in the fusion.
	candidates = 1000
	// encodeTimeout bounds the wait for the query's vector; after it the answer
	// comes from the words alone.
	encodeTimeout = 5 * time.Second
)

// ErrEmptyQuery refuses a query without a word.
var ErrEmptyQuery = errors.New("the query is empty: say what the photo shows")

// A Hit is a photo that was found. Scores are comparable within one answer.
type Hit struct {
	Photo catalogue.Photo
	Score float64
}

// A Result is one page of an answer, best first.
type Result struct {
	Hits      []Hit
	Next      string // cursor of the next page; "" at the end
	GoodMatch bool   // whether anything found is likely what was asked for
	Partial   string // why only one index was asked; "" where both were
}

// An Engine answers queries. Its methods may be called by any number of
// goroutines; Follow by one.
type Engine struct {
	catalogue  *catalogue.Catalogue
	words      *keyword.Index
	places     *places.Gazetteer
	attributes *attributes.Store
	kept       kept
	reached    atomic.Pointer[catalogue.Cursor] // how far the words are; nil before Follow
	log        *slog.Logger

	mutex   sync.RWMutex
	serving *Generation // nil before Serve
}

// New makes an engine over an open catalogue, keyword index and gazetteer (nil:
// no place names), which the caller closes after Follow has returned. Until
// Serve it searches words.
func New(c *catalogue.Catalogue, words *keyword.Index, where *places.Gazetteer, log *slog.Logger) *Engine {
	return &Engine{catalogue: c, words: words, places: where, attributes: attributes.New(c, where), log: log}
}

// Search finds photos. limit is at least 1; the place is empty or the Next of
// an earlier page of the same query. A query that cannot be read is a
// *query.Error, one that asks for photos like one that is not there a *LikeError.
func (e *Engine) Search(ctx context.Context, text string, limit int, place string) (Result, error) {
	if strings.TrimSpace(text) == "" {
		return Result{}, ErrEmptyQuery
	}
	after, err := parseCursor(place)
	if err != nil {
		return Result{}, err
	}
	q, err := query.Parse(text, query.Settings{Now: time.Now()})
	if err != nil {
		return Result{}, err
	}
	if !slices.ContainsFunc(q.Alternatives, query.Alternative.Ranked) {
		return e.list(ctx, q, limit, after)
	}
	found, err := e.ranked(ctx, text, q, &after)
	if err != nil {
		return Result{}, err
	}
	result := Result{GoodMatch: found.goodMatch, Partial: found.partial}
	return result, e.page(ctx, &result, limit, after, found.after)
}

// ranked gives the ranking of a query: the one that the cursor is of, as long as
// it is kept, else one that it makes, and whose change number it notes in the
// cursor.
func (e *Engine) ranked(ctx context.Context, text string, q query.Query, after *cursor) (ranking, error) {
	if after.set {
		if found, ok := e.kept.take(text, after.change); ok {
			return found, nil
		}
	}
	change, ready := e.attributes.Change()
	found, err := e.rank(ctx, q)
	if err != nil {
		return ranking{}, err
	}
	filtered := slices.ContainsFunc(q.Alternatives, func(a query.Alternative) bool { return a.Filter != nil })
	if filtered && !ready && found.partial == "" {
		found.partial = unready
	}
	after.change = change
	e.kept.put(text, change, found)
	return found, nil
}

// unready is told while the attributes are read after a start.
const unready = "filters do not know all photos yet: they are read after each start, some thousand a second"

// list answers a query that filters only: by time.
func (e *Engine) list(ctx context.Context, q query.Query, limit int, after cursor) (Result, error) {
	set, err := e.attributes.Select(ctx, q.Alternatives[0].Filter)
	if err != nil {
		return Result{}, err
	}
	result := Result{GoodMatch: set.Len() > 0}
	if _, ready := e.attributes.Change(); !ready {
		result.Partial = unready
	}
	return result, e.page(ctx, &result, limit, after, func(after cursor, count int) []index.Hit {
		wanted := attributes.Listing{Oldest: q.Sort == query.OldestFirst, Ungrouped: q.Ungrouped, Limit: count}
		if after.set {
			wanted.After = &after.Hit
		}
		return e.attributes.List(set, wanted)
	})
}

// page fills the result with the photos after the cursor that are still shown.
// more gives at most so many hits after a cursor.
func (e *Engine) page(ctx context.Context, result *Result, limit int, after cursor, more func(after cursor, count int) []index.Hit) error {
	for {
		wanted := limit - len(result.Hits)
		some := more(after, wanted+1)
		full := len(some) > wanted
		some = some[:min(len(some), wanted)]
		if err := e.read(ctx, result, some); err != nil || !full {
			return err
		}
		after.Hit, after.set = some[wanted-1], true
		if len(result.Hits) == limit {
			result.Next = after.String()
			return nil
		}
	}
}

func (e *Engine) read(ctx context.Context, result *Result, fused []index.Hit) error {
	ids := make([]int64, len(fused))
	scores := make(map[int64]float64, len(fused))
	for i, hit := range fused {
		ids[i] = hit.ID
		scores[hit.ID] = hit.Score
	}
	photos, err := e.catalogue.Photos(ctx, ids)
	if err != nil {
		return err
	}
	for _, photo := range photos {
		if photo.Visible() {
			result.Hits = append(result.Hits, Hit{Photo: photo, Score: scores[photo.ID]})
		}
	}
	return nil
}
