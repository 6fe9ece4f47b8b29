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
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/places"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/keyword"
	vector "vsed/index/vector/memory"
	"vsed/plugins/contract"
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

// A TextEncoder turns sentences into vectors of the space in use.
type TextEncoder interface {
	EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error)
}

// A Space says how to search among the vectors in use.
type Space struct {
	Dimensions int
	MatchFloor float64 // cosine below which a photo is no good match
	Encoder    TextEncoder
}

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
	generation atomic.Pointer[generation]
	renewed    chan struct{}           // holds one token after UseSpace
	reached    atomic.Pointer[reached] // nil before Follow
	log        *slog.Logger
}

// A generation is one set of vectors that can be searched.
type generation struct {
	Space
	vectors *vector.Index
}

// New makes an engine over an open catalogue, keyword index and gazetteer (nil:
// no place names), which the caller closes after Follow has returned. Until
// UseSpace it searches words.
func New(c *catalogue.Catalogue, words *keyword.Index, where *places.Gazetteer, log *slog.Logger) *Engine {
	return &Engine{catalogue: c, words: words, places: where, renewed: make(chan struct{}, 1), log: log}
}

// UseSpace makes the engine search the vectors of another space, which Follow
// then reads. The catalogue must use the same space already.
func (e *Engine) UseSpace(space Space) {
	e.generation.Store(&generation{Space: space, vectors: vector.New(space.Dimensions)})
	select {
	case e.renewed <- struct{}{}:
	default: // Follow has not taken the last token yet, and will see this space
	}
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
	byVector, floor, err := e.searchVectors(ctx, query)
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		result.Partial = "only words were searched: " + err.Error()
	}
	if len(byVector) > 0 && byVector[0].Score >= floor {
		result.GoodMatch = true
	}
	return result, e.page(ctx, &result, liftWhole(fusion.Reciprocal(byWords, byVector), byWords), limit, after)
}

// liftWhole puts photos first whose tag or file name is the whole query: that is
// what was meant, whatever else looks like it. A fused score is below 1.
func liftWhole(fused, byWords []index.Hit) []index.Hit {
	whole := make(map[int64]bool)
	for _, hit := range byWords {
		if keyword.Whole(hit) {
			whole[hit.ID] = true
		}
	}
	for i := range fused {
		if whole[fused[i].ID] {
			fused[i].Score++
		}
	}
	slices.SortFunc(fused, index.Compare)
	return fused
}

func (e *Engine) searchVectors(ctx context.Context, query string) (hits []index.Hit, floor float64, err error) {
	current := e.generation.Load()
	if current == nil {
		return nil, 0, errors.New("no encoder has been ready yet; `vsectl status` says why")
	}
	ctx, cancel := context.WithTimeout(ctx, encodeTimeout)
	defer cancel()
	embeddings, err := current.Encoder.EncodeTexts(ctx, []string{query})
	if err != nil {
		return nil, 0, err
	}
	hits, err = current.vectors.Search(embeddings[0].Vector, candidates, nil)
	return hits, current.MatchFloor, err
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
