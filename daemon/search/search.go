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
	// startTimeout is how long after a start queries wait for the encoder, which takes
	// two seconds to load, and more where the machine is busy. One that needs longer,
	// or does not run, holds up nobody.
	startTimeout = 10 * time.Second
)

// ErrEmptyQuery refuses a query without a word.
var ErrEmptyQuery = errors.New("the query is empty: say what the photo shows")

// A Request asks for a page of an answer.
type Request struct {
	Text    string // in the language of package query
	Limit   int    // at least 1
	Place   string // "", or the Next of an earlier page of the same query
	Typing  bool   // whether the text's last word may go on
	Explain bool
}

// words are the options that the keyword index gets.
func (r Request) words() []keyword.SearchOption {
	if r.Typing {
		return []keyword.SearchOption{keyword.Typing()}
	}
	return nil
}

// A Hit is a photo that was found. Scores are comparable within one answer.
type Hit struct {
	Photo   catalogue.Photo
	Score   float64
	Similar int // how many others of its group it stands for
	Reason  Reason
}

// A Result is one page of an answer, best first.
type Result struct {
	Hits        []Hit
	Next        string // cursor of the next page; "" at the end
	GoodMatch   bool   // whether anything found is likely what was asked for
	Partial     string // why only one index was asked; "" where both were
	Explanation *Explanation
}

// An Engine answers queries. Its methods may be called by any number of
// goroutines; Follow by one.
type Engine struct {
	// South says that summer is from December to February; set before the first
	// search.
	South bool

	catalogue  *catalogue.Catalogue
	words      *keyword.Index
	places     *places.Gazetteer
	attributes *attributes.Store
	kept       kept
	reached    atomic.Pointer[catalogue.Cursor] // how far the words are; nil before Follow
	log        *slog.Logger

	made  time.Time
	first chan struct{} // closed by start when a generation serves for the first time
	start sync.Once

	mutex   sync.RWMutex
	serving *Generation // nil before Serve
}

// New makes an engine over an open catalogue, keyword index and gazetteer (nil:
// no place names), which the caller closes after Follow has returned. A query that
// comes before Serve waits for it until startTimeout has passed, and searches words then.
func New(c *catalogue.Catalogue, words *keyword.Index, where *places.Gazetteer, log *slog.Logger) *Engine {
	return &Engine{
		catalogue: c, words: words, places: where, attributes: attributes.New(c, where), log: log, made: time.Now(), first: make(chan struct{}),
	}
}

// KeepAttributes has what filters know of all photos lie in a file, which is made
// where there is none. It comes before Follow.
func (e *Engine) KeepAttributes(ctx context.Context, file string) error {
	problem, err := e.attributes.Keep(ctx, file)
	if problem != nil {
		e.log.Warn("what filters know is read anew from the catalogue", "reason", problem)
	}
	return err
}

// Search finds photos. A query that cannot be read is a *query.Error, one that
// asks for photos like one that is not there a *LikeError.
func (e *Engine) Search(ctx context.Context, asked Request) (Result, error) {
	if strings.TrimSpace(asked.Text) == "" {
		return Result{}, ErrEmptyQuery
	}
	after, err := parseCursor(asked.Place)
	if err != nil {
		return Result{}, err
	}
	clock := new(clock)
	begin := time.Now()
	q, err := query.Parse(asked.Text, query.Settings{Now: begin, South: e.South})
	if err != nil {
		return Result{}, err
	}
	clock.time("parse", begin)
	var result Result
	if slices.ContainsFunc(q.Alternatives, query.Alternative.Ranked) {
		result, err = e.ranking(ctx, q, asked, after, clock)
	} else {
		result, err = e.list(ctx, q, asked, after, clock)
	}
	if err == nil && !q.Ungrouped {
		err = e.countSimilar(ctx, result.Hits)
	}
	if result.Explanation != nil {
		clock.time("all", begin)
		result.Explanation.Parsed, result.Explanation.Steps = q.String(), clock.steps
	}
	return result, err
}

// ranking answers a query that ranks, in whole or in part.
func (e *Engine) ranking(ctx context.Context, q query.Query, asked Request, after cursor, clock *clock) (Result, error) {
	found, err := e.ranked(ctx, q, asked, &after, clock)
	if err != nil {
		return Result{}, err
	}
	result := Result{GoodMatch: found.goodMatch, Partial: found.partial}
	if asked.Explain {
		result.Explanation = &Explanation{Rows: found.rows, Rescored: found.rescored}
	}
	return result, e.page(ctx, &result, asked, after, found, found.after, clock)
}

// ranked gives the ranking of a query: the one that the cursor is of, as long as
// it is kept, else one that it makes, and whose change number it notes in the
// cursor.
func (e *Engine) ranked(ctx context.Context, q query.Query, asked Request, after *cursor, clock *clock) (ranking, error) {
	key := Request{Text: asked.Text, Typing: asked.Typing, Explain: asked.Explain}
	if after.set {
		if found, ok := e.kept.take(key, *after); ok {
			return found, nil
		}
	}
	change, ready := e.attributes.Change()
	found, err := e.rank(ctx, q, asked, clock)
	if err != nil {
		return ranking{}, err
	}
	filtered := slices.ContainsFunc(q.Alternatives, func(a query.Alternative) bool { return a.Filter != nil })
	if filtered && !ready && found.partial == "" {
		found.partial = unready
	}
	after.change = change
	e.kept.put(key, change, found)
	return found, nil
}

// unready is told while the attributes are read after a start.
const unready = "filters do not know all photos yet: they are read after each start, some thousand a second"

// list answers a query that filters only: by time.
func (e *Engine) list(ctx context.Context, q query.Query, asked Request, after cursor, clock *clock) (Result, error) {
	begin := time.Now()
	set, err := e.attributes.Select(ctx, q.Alternatives[0].Filter)
	if err != nil {
		return Result{}, err
	}
	clock.time("filter", begin)
	result := Result{GoodMatch: set.Len() > 0}
	if asked.Explain {
		result.Explanation = &Explanation{}
	}
	if _, ready := e.attributes.Change(); !ready {
		result.Partial = unready
	}
	all := ranking{sources: []source{{alternative: q.Alternatives[0]}}}
	return result, e.page(ctx, &result, asked, after, all, func(after cursor, count int) []index.Hit {
		defer clock.time("list", time.Now())
		wanted := attributes.Listing{Oldest: q.Sort == query.OldestFirst, Ungrouped: q.Ungrouped, Limit: count}
		if after.set {
			wanted.After = &after.Hit
		}
		return e.attributes.List(set, wanted)
	}, clock)
}

// page fills the result with the photos after the cursor that are still shown.
// more gives at most so many hits after a cursor.
func (e *Engine) page(ctx context.Context, result *Result, asked Request, after cursor, found ranking,
	more func(after cursor, count int) []index.Hit, clock *clock) error {
	for full := true; full && len(result.Hits) < asked.Limit; {
		wanted := asked.Limit - len(result.Hits)
		some := more(after, wanted+1)
		full = len(some) > wanted
		some = some[:min(len(some), wanted)]
		begin := time.Now()
		if err := e.read(ctx, result, some); err != nil {
			return err
		}
		clock.time("load", begin)
		if full {
			after.Hit, after.set = some[wanted-1], true
		}
		if full && len(result.Hits) == asked.Limit {
			result.Next = after.String()
		}
	}
	begin := time.Now()
	err := e.reasons(ctx, result.Hits, found, asked)
	clock.time("reasons", begin)
	return err
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

// countSimilar notes of each hit how many photos it stands for besides itself.
func (e *Engine) countSimilar(ctx context.Context, hits []Hit) error {
	ids := make([]int64, len(hits))
	for i, hit := range hits {
		ids[i] = hit.Photo.ID
	}
	others, err := e.catalogue.Similar(ctx, ids)
	for i := range hits {
		hits[i].Similar = others[hits[i].Photo.ID]
	}
	return err
}
