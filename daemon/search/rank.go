package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vsed/daemon/attributes"
	"vsed/daemon/query"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/keyword"
	"vsed/index/vector"
)

// awayShare is how much of a sentence to stay away from is taken off the query.
const awayShare = 0.5

// A LikeError says why no photo can be found like one.
type LikeError struct{ Photo, Problem string }

func (e *LikeError) Error() string { return fmt.Sprintf("like:%s: %s", e.Photo, e.Problem) }

// rank gives what the query finds, each photo with its highest score of all
// alternatives.
func (e *Engine) rank(ctx context.Context, q query.Query) (ranking, error) {
	serving := e.hold()
	if serving != nil {
		defer serving.queries.Done()
	}
	r := ranker{Engine: e, serving: serving, scores: make(map[int64]float64)}
	if err := r.encode(ctx, q); err != nil {
		return ranking{}, err
	}
	var unranked []query.Alternative
	for _, alternative := range q.Alternatives {
		if !alternative.Ranked() {
			unranked = append(unranked, alternative)
			continue
		}
		if err := r.add(ctx, alternative); err != nil {
			return ranking{}, err
		}
	}
	for _, alternative := range unranked {
		if err := r.addMatching(ctx, alternative.Filter); err != nil {
			return ranking{}, err
		}
	}
	r.result.hits = r.ordered(q)
	return r.result, nil
}

// A ranker collects the list of one query.
type ranker struct {
	*Engine
	serving *Generation // nil: none
	vectors map[string][]float32
	scores  map[int64]float64
	result  ranking
}

// encode gets the vectors of all sentences. Without them words are searched.
func (r *ranker) encode(ctx context.Context, q query.Query) error {
	var texts []string
	for _, alternative := range q.Alternatives {
		for _, text := range append(slices.Clone(alternative.Away), alternative.Text) {
			if text != "" && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	if r.serving == nil {
		r.fail(errors.New("no encoder has been ready yet; `vsectl status` says why"))
		return nil
	}
	if len(texts) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, encodeTimeout)
	defer cancel()
	embeddings, err := r.serving.Encoder.EncodeTexts(within, texts)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	r.vectors = make(map[string][]float32, len(texts))
	for i, text := range texts {
		r.vectors[text] = embeddings[i].GetVector()
	}
	return nil
}

func (r *ranker) fail(err error) { r.result.partial = "only words were searched: " + err.Error() }

// add searches both indexes for an alternative among the photos of its filter.
func (r *ranker) add(ctx context.Context, a query.Alternative) error {
	passing, keep, err := r.filter(ctx, a.Filter)
	if err != nil {
		return err
	}
	var lists fusion.Lists
	if lists.Words, err = r.words.Search(ctx, a.Text, candidates, keep...); err != nil {
		return fmt.Errorf("search the keyword index: %w", err)
	}
	for _, hit := range lists.Words {
		if keyword.Whole(hit) {
			lists.Whole = append(lists.Whole, hit)
		}
	}
	r.result.goodMatch = r.result.goodMatch || len(lists.Words) > 0
	blend := uncalibrated().Blend()
	if r.serving != nil {
		blend = r.serving.calibrated().Blend()
		if err := r.addVectors(ctx, a, passing, &lists); err != nil {
			return err
		}
	}
	for _, hit := range blend.Fuse(lists) {
		if before, ok := r.scores[hit.ID]; !ok || hit.Score > before {
			r.scores[hit.ID] = hit.Score
		}
	}
	return nil
}

// filter gives the filter in the forms that both indexes take; nil and none
// where all pass.
func (r *ranker) filter(ctx context.Context, filter query.Expression) (*vector.Filter, []keyword.SearchOption, error) {
	if filter == nil {
		return nil, nil, nil
	}
	set, err := r.attributes.Select(ctx, filter)
	if err != nil {
		return nil, nil, err
	}
	return vector.NewFilter(set.All), []keyword.SearchOption{keyword.Among(set.Has)}, nil
}

// addVectors adds to the lists what looks like the alternative, and the cosines of
// what has its words.
func (r *ranker) addVectors(ctx context.Context, a query.Alternative, passing *vector.Filter, lists *fusion.Lists) error {
	wanted, err := r.vector(ctx, a)
	if err != nil || wanted == nil {
		return err
	}
	var good bool
	if lists.Vectors, err = r.serving.Index.search(ctx, wanted, lists.Words, passing); err == nil {
		good, err = r.serving.goodMatch(lists.Vectors)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.fail(err)
	}
	r.result.goodMatch = r.result.goodMatch || good
	return nil
}

// vector sums up what is wanted and takes off what is not; nil where nothing is
// left or the encoder did not answer.
func (r *ranker) vector(ctx context.Context, a query.Alternative) ([]float32, error) {
	if r.vectors == nil && (a.Text != "" || len(a.Away) > 0) {
		return nil, nil
	}
	var wanted, away [][]float32
	if a.Text != "" {
		wanted = append(wanted, r.vectors[a.Text])
	}
	for _, text := range a.Away {
		away = append(away, r.vectors[text])
	}
	for _, list := range []struct {
		photos []string
		into   *[][]float32
	}{{a.Like, &wanted}, {a.AwayLike, &away}} {
		for _, photo := range list.photos {
			values, err := r.vectorOf(ctx, photo)
			if err != nil {
				return nil, err
			}
			*list.into = append(*list.into, values)
		}
	}
	return combine(wanted, away), nil
}

// vectorOf gives the vector of a photo by its number, as id:75, or its path.
func (r *ranker) vectorOf(ctx context.Context, photo string) ([]float32, error) {
	id, err := r.photoID(ctx, photo)
	if err != nil {
		return nil, err
	}
	values, ok, err := r.serving.Index.vectors.Vector(id)
	if err != nil {
		return nil, fmt.Errorf("read the vector index: %w", err)
	}
	if !ok {
		return nil, &LikeError{photo, "this photo has not been encoded yet; `vsectl status` shows how far the daemon is"}
	}
	return values, nil
}

func (e *Engine) photoID(ctx context.Context, photo string) (int64, error) {
	if number, ok := strings.CutPrefix(photo, "id:"); ok {
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, &LikeError{photo, "this is no photo's number: `vsectl search` shows the numbers"}
		}
		return id, nil
	}
	if !filepath.IsAbs(photo) {
		return 0, &LikeError{photo, "this path is not absolute: give it from / on"}
	}
	photos, err := e.catalogue.PhotosAt(ctx, filepath.Clean(photo))
	if err != nil {
		return 0, err
	}
	if len(photos) == 0 {
		return 0, &LikeError{photo, "no photo of the library has this path: `vsectl folder list` shows the folders"}
	}
	return photos[0].ID, nil
}

// combine is the mean of what is wanted less awayShare of the mean of what is
// not, of unit length; nil where they cancel out.
func combine(wanted, away [][]float32) []float32 {
	if len(wanted) == 1 && len(away) == 0 {
		return wanted[0]
	}
	var sum []float64
	add := func(vectors [][]float32, weight float64) {
		for _, values := range vectors {
			if sum == nil {
				sum = make([]float64, len(values))
			}
			for i, value := range values {
				sum[i] += weight / float64(len(vectors)) * float64(value)
			}
		}
	}
	add(wanted, 1)
	add(away, -awayShare)
	var squares float64
	for _, value := range sum {
		squares += value * value
	}
	if squares < 1e-12 {
		return nil
	}
	unit := make([]float32, len(sum))
	for i, value := range sum {
		unit[i] = float32(value / math.Sqrt(squares))
	}
	return unit
}

// addMatching puts the newest photos that pass a filter before all that only
// rank.
func (r *ranker) addMatching(ctx context.Context, filter query.Expression) error {
	set, err := r.attributes.Select(ctx, filter)
	if err != nil {
		return err
	}
	above := 0.0
	for _, score := range r.scores {
		above = max(above, score)
	}
	for _, hit := range r.attributes.List(set, attributes.Listing{Ungrouped: true, Limit: candidates}) {
		r.scores[hit.ID] = above + 1
		r.result.goodMatch = true
	}
	return nil
}

// ordered sorts what was found, and leaves of each group the first.
func (r *ranker) ordered(q query.Query) []index.Hit {
	hits := make([]index.Hit, 0, len(r.scores))
	for id, score := range r.scores {
		hits = append(hits, index.Hit{ID: id, Score: score})
	}
	slices.SortFunc(hits, index.Compare)
	if q.Sort != query.ByRelevance {
		ids := make([]int64, len(hits))
		for i, hit := range hits {
			ids[i] = hit.ID
		}
		hits = r.attributes.ByTime(ids, q.Sort == query.OldestFirst)
	}
	if q.Ungrouped {
		return hits
	}
	groups := make(map[int64]bool, len(hits))
	return slices.DeleteFunc(hits, func(hit index.Hit) bool {
		group := r.attributes.Group(hit.ID)
		seen := groups[group]
		groups[group] = true
		return seen
	})
}
