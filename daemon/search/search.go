// Package search answers queries: it asks the vector index and the keyword
// index, fuses their lists and reads the photos that were found. It also keeps
// both indexes in step with the catalogue (Follow). What an index does inside
// belongs under index, what a photo is into the catalogue.
package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/places"
	"vsed/index"
	"vsed/index/fusion"
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
	catalogue *catalogue.Catalogue
	words     *keyword.Index
	places    *places.Gazetteer
	reached   atomic.Pointer[catalogue.Cursor] // how far the words are; nil before Follow
	log       *slog.Logger

	mutex   sync.RWMutex
	serving *Generation // nil before Serve
}

// New makes an engine over an open catalogue, keyword index and gazetteer (nil:
// no place names), which the caller closes after Follow has returned. Until
// Serve it searches words.
func New(c *catalogue.Catalogue, words *keyword.Index, where *places.Gazetteer, log *slog.Logger) *Engine {
	return &Engine{catalogue: c, words: words, places: where, log: log}
}

// Search finds photos. limit is at least 1; the cursor is empty or the Next of
// an earlier page of the same query.
func (e *Engine) Search(ctx context.Context, query string, limit int, cursor string) (Result, error) {
	if strings.TrimSpace(query) == "" {
		return Result{}, ErrEmptyQuery
	}
	after, err := parseCursor(cursor)
	if err != nil {
		return Result{}, err
	}
	byWords, err := e.words.Search(ctx, query, candidates)
	if err != nil {
		return Result{}, fmt.Errorf("search the keyword index: %w", err)
	}
	result := Result{GoodMatch: len(byWords) > 0}
	lists := fusion.Lists{Words: byWords}
	for _, hit := range byWords {
		if keyword.Whole(hit) {
			lists.Whole = append(lists.Whole, hit)
		}
	}
	blend, good, err := e.searchVectors(ctx, query, &lists)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		result.Partial = "only words were searched: " + err.Error()
	}
	result.GoodMatch = result.GoodMatch || good
	return result, e.page(ctx, &result, blend.Fuse(lists), limit, after)
}

// searchVectors adds to the lists what looks like the query, and the cosines of
// what has its words. It reports whether anything of it is a good match.
func (e *Engine) searchVectors(ctx context.Context, query string, lists *fusion.Lists) (blend fusion.Blend, good bool, err error) {
	serving := e.hold()
	if serving == nil {
		return uncalibrated().Blend(), false, errors.New("no encoder has been ready yet; `vsectl status` says why")
	}
	defer serving.queries.Done()
	blend = serving.calibrated().Blend()
	ctx, cancel := context.WithTimeout(ctx, encodeTimeout)
	defer cancel()
	embeddings, err := serving.Encoder.EncodeTexts(ctx, []string{query})
	if err != nil {
		return blend, false, err
	}
	if lists.Vectors, err = serving.Index.search(ctx, embeddings[0].Vector, lists.Words); err != nil {
		return blend, false, err
	}
	good, err = serving.goodMatch(lists.Vectors)
	return blend, good, err
}

// page fills the result with the photos after the cursor that are still shown.
func (e *Engine) page(ctx context.Context, result *Result, fused []index.Hit, limit int, after cursor) error {
	for len(fused) > 0 && !after.before(fused[0]) {
		fused = fused[1:]
	}
	for len(fused) > 0 && len(result.Hits) < limit {
		some := fused[:min(limit-len(result.Hits), len(fused))]
		fused = fused[len(some):]
		if err := e.read(ctx, result, some); err != nil {
			return err
		}
	}
	if len(fused) > 0 {
		last := result.Hits[len(result.Hits)-1]
		result.Next = cursor{score: last.Score, id: last.Photo.ID, set: true}.String()
	}
	return nil
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
