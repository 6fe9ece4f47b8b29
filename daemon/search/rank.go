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
	"sync"
	"time"

	"vsed/daemon/attributes"
	"vsed/daemon/catalogue"
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
// alternatives. The words are searched while another process encodes.
func (e *Engine) rank(ctx context.Context, q query.Query, asked Request, clock *clock) (ranking, error) {
	serving := e.await(ctx)
	if serving != nil {
		defer serving.queries.Done()
	}
	r := ranker{Engine: e, serving: serving, asked: asked, clock: clock, scores: make(map[int64]float64)}
	r.result.owed = make(map[int64]uint8)
	var encoding sync.WaitGroup
	var encoded error
	encoding.Go(func() { encoded = r.encode(ctx, q) })
	prepared, err := r.prepare(ctx, q)
	begin := time.Now()
	encoding.Wait()
	clock.time("wait for the encoder", begin)
	clock.steps = append(clock.steps, Step{"encode", r.encoding})
	if err = errors.Join(err, encoded); err != nil {
		return ranking{}, err
	}
	for _, one := range prepared {
		if err := r.add(ctx, one); err != nil {
			return ranking{}, err
		}
	}
	for _, one := range prepared {
		if !one.Ranked() {
			r.addMatching(one)
		}
	}
	defer clock.time("order", time.Now())
	r.result.hits = r.ordered(q)
	return r.result, nil
}

// A ranker collects the list of one query.
type ranker struct {
	*Engine
	serving *Generation // nil: none
	asked   Request
	clock   *clock
	scores  map[int64]float64
	result  ranking

	// What encode gives, which runs beside the words' search.
	vectors  map[string][]float32
	encoding time.Duration
	failure  error // why only words are searched
}

// A prepared alternative is what is found of one without the query's vector.
type prepared struct {
	query.Alternative
	passing attributes.Set // of its filter, where it has one
	words   []index.Hit
	learned *learnedList // nil: no learned tag stands in its text
}

// prepare applies the filters and searches the words and what was learned.
func (r *ranker) prepare(ctx context.Context, q query.Query) (list []prepared, err error) {
	for _, alternative := range q.Alternatives {
		one := prepared{Alternative: alternative}
		if one.Filter != nil || !one.Ranked() {
			begin := time.Now()
			if one.passing, err = r.attributes.Select(ctx, one.Filter); err != nil {
				return nil, err
			}
			r.clock.time("filter", begin)
		}
		if one.Text != "" {
			begin := time.Now()
			if one.words, err = r.words.Search(ctx, one.Text, candidates, r.options(one)...); err != nil {
				return nil, err
			}
			r.clock.time("words", begin)
			begin = time.Now()
			if one.learned, err = r.learned(ctx, one); err != nil {
				return nil, err
			}
			if one.learned != nil {
				r.clock.time("learned", begin)
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// options are those of the words' search.
func (r *ranker) options(one prepared) []keyword.SearchOption {
	options := r.asked.words()
	if one.Filter != nil {
		options = append(options, keyword.Among(one.passing.Has))
	}
	return options
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
		r.failure = errors.New("no encoder has been ready yet; `vsectl status` says why")
		return nil
	}
	if len(texts) == 0 {
		return nil
	}
	begin := time.Now()
	within, cancel := context.WithTimeout(ctx, encodeTimeout)
	defer cancel()
	embeddings, err := r.serving.Encoder.EncodeTexts(within, texts)
	r.encoding = time.Since(begin)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.failure = err
		return nil
	}
	r.vectors = make(map[string][]float32, len(texts))
	for i, text := range texts {
		r.vectors[text] = embeddings[i].GetVector()
	}
	return nil
}

// add searches the vectors for an alternative among the photos of its filter, and
// fuses what both indexes found.
func (r *ranker) add(ctx context.Context, one prepared) error {
	if r.failure != nil {
		r.result.partial = "only words were searched: " + r.failure.Error()
	}
	from := source{alternative: one.Alternative}
	defer func() { r.result.sources = append(r.result.sources, from) }()
	if !one.Ranked() {
		return nil
	}
	lists := fusion.Lists{Words: one.words, Learned: one.learned.hits()}
	r.result.goodMatch = r.result.goodMatch || len(lists.Words) > 0 || one.learned.sure()
	blend := uncalibrated().Blend()
	if r.serving != nil {
		blend = r.serving.calibrated().Blend()
		if err := r.addVectors(ctx, one, &lists); err != nil {
			return err
		}
	}
	if one.learned != nil {
		if err := one.learned.complete(ctx, r.serving.Index.space, lists.Words, lists.Vectors, lists.Learned); err != nil {
			return err
		}
		lists.Learned = one.learned.hits()
	}
	begin := time.Now()
	for _, hit := range lists.Words {
		if keyword.Whole(hit) {
			lists.Whole = append(lists.Whole, hit)
		}
	}
	fused := blend.Fuse(lists)
	if len(r.scores) == 0 {
		r.scores = make(map[int64]float64, len(fused))
	}
	for _, hit := range fused {
		if before, ok := r.scores[hit.ID]; !ok || hit.Score > before {
			r.scores[hit.ID] = hit.Score
			if number := len(r.result.sources); number > 0 {
				r.result.owed[hit.ID] = uint8(number)
			}
		}
	}
	r.clock.time("fuse", begin)
	if r.asked.Explain {
		from.explain(lists)
	}
	return nil
}

// addVectors adds to the lists what looks like the alternative, the cosines of what
// has its words or was learned to have them, and the words of what looks like it.
func (r *ranker) addVectors(ctx context.Context, one prepared, lists *fusion.Lists) error {
	wanted, err := r.vector(ctx, one.Alternative)
	if err != nil || wanted == nil {
		return err
	}
	begin := time.Now()
	var passing *vector.Filter
	if one.Filter != nil {
		passing = vector.NewFilterOfBits(one.passing.Bits())
	}
	found, err := r.serving.Index.search(ctx, wanted, slices.Concat(lists.Words, lists.Learned), passing)
	r.clock.time("vectors", begin)
	lists.Vectors = found.Hits
	r.result.rows, r.result.rescored = r.result.rows+found.Rows, r.result.rescored+found.Rescored
	var good bool
	if err == nil && !r.result.goodMatch { // it takes 1,950 cosines
		begin = time.Now()
		good, err = r.serving.goodMatch(lists.Vectors)
		r.clock.time("judge", begin)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.result.partial = "only words were searched: " + err.Error()
	}
	r.result.goodMatch = r.result.goodMatch || good
	return r.addWords(ctx, one, lists)
}

// addWords completes a list of words that was cut off: what looks right and has the
// words must not stand behind what has them alone.
func (r *ranker) addWords(ctx context.Context, one prepared, lists *fusion.Lists) error {
	if len(lists.Words) < candidates {
		return nil
	}
	defer r.clock.time("words of what looks like it", time.Now())
	listed := make(map[int64]bool, len(lists.Words))
	for _, hit := range lists.Words {
		listed[hit.ID] = true
	}
	var others []int64
	for _, hit := range lists.Vectors {
		if !listed[hit.ID] {
			others = append(others, hit.ID)
		}
	}
	more, err := r.words.Score(ctx, one.Text, others, r.asked.words()...)
	lists.Words = append(lists.Words, more...)
	return err
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

// vectorOf gives the vector of a photo by its number, as id:75, or its path, or of a
// picture that was sent.
func (r *ranker) vectorOf(ctx context.Context, photo string) ([]float32, error) {
	if strings.HasPrefix(photo, PicturePrefix) {
		return r.serving.pictures.vector(photo)
	}
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
		_, err = e.catalogue.Photo(ctx, id)
		if errors.Is(err, catalogue.ErrNotFound) {
			return 0, &LikeError{photo, fmt.Sprintf("there is no photo with the number %d: `vsectl search` shows the numbers", id)}
		}
		return id, err
	}
	if !filepath.IsAbs(photo) {
		return 0, &LikeError{photo, "this path is not absolute: give it from / on"}
	}
	photos, err := e.catalogue.PhotosAt(ctx, filepath.Clean(photo))
	if err != nil {
		return 0, err
	}
	if len(photos) == 0 {
		return 0, &LikeError{photo, "no photo of the library has this path, and no file that can be sent: `vsectl folder list` shows the folders"}
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
func (r *ranker) addMatching(one prepared) {
	above := 0.0
	for _, score := range r.scores {
		above = max(above, score)
	}
	number := slices.IndexFunc(r.result.sources, func(from source) bool { return !from.alternative.Ranked() })
	for _, hit := range r.attributes.List(one.passing, attributes.Listing{Ungrouped: true, Limit: candidates}) {
		r.scores[hit.ID] = above + 1
		r.result.owed[hit.ID] = uint8(number)
		r.result.goodMatch = true
	}
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
