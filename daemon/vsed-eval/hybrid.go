package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/index"
	"vsed/index/evaluate"
	"vsed/index/fusion"
	"vsed/index/keyword"
	"vsed/index/vector"
)

const (
	// candidates is how many hits of each list are fused, as in package search.
	candidates = 1000
	// leastPhotos is how many photos carry a tag, or both of a pair, for it to be asked.
	leastPhotos = 3
	// pairCount is how many of the pairs are asked, drawn with one seed.
	pairCount = 500
	// seeds is how often half of the photos are drawn whose tags are known.
	seeds = 3
)

// corelPhotos is the folder of the tagged set's photos.
const corelPhotos = "corel5k/photos"

// tagged are the photos of a tagged set.
type tagged struct {
	photos []photo
	tags   [][]string
}

// A query asks for photos that carry all of its tags.
type query struct {
	text     string
	tags     []string
	vector   []float32
	relevant map[int64]bool
}

func (s *set) tagged() (g tagged, err error) {
	labels, err := readLabels(filepath.Join(s.data, "corel5k/tags.tsv"))
	if err != nil {
		return g, err
	}
	var names []string
	for _, one := range labels {
		names, g.tags = append(names, one.name), append(g.tags, strings.Split(one.label, ","))
	}
	g.photos, err = s.find(corelPhotos, names)
	return g, err
}

// singles asks for each tag that enough photos carry.
func (g tagged) singles() []query {
	return g.queries(func(tags []string) (all [][]string) {
		for _, tag := range tags {
			all = append(all, []string{tag})
		}
		return all
	})
}

// pairs asks for two tags at once.
func (g tagged) pairs() []query {
	all := g.queries(func(tags []string) (all [][]string) {
		tags = slices.Compact(slices.Sorted(slices.Values(tags)))
		for i, first := range tags {
			for _, second := range tags[i+1:] {
				all = append(all, []string{first, second})
			}
		}
		return all
	})
	random := rand.New(rand.NewPCG(1, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(pairCount, len(all))]
}

// queries makes one of each set of tags that enough photos carry.
func (g tagged) queries(sets func(tags []string) [][]string) []query {
	byText := map[string]*query{}
	for i, tags := range g.tags {
		for _, set := range sets(tags) {
			text := strings.Join(set, " ")
			if byText[text] == nil {
				byText[text] = &query{text: text, tags: set, relevant: map[int64]bool{}}
			}
			byText[text].relevant[g.photos[i].id] = true
		}
	}
	var all []query
	for _, one := range byText {
		if len(one.relevant) >= leastPhotos {
			all = append(all, *one)
		}
	}
	slices.SortFunc(all, func(a, b query) int { return cmp.Compare(a.text, b.text) })
	return all
}

func (s *set) encodeQueries(ctx context.Context, queries []query) error {
	sentences := make([]string, len(queries))
	for i, one := range queries {
		sentences[i] = one.text
	}
	vectors, err := s.texts.encode(ctx, sentences)
	for i := range queries {
		if err == nil {
			queries[i].vector = vectors[i]
		}
	}
	return err
}

// A half is a library in which the tags of a random half of the photos are known.
type half struct {
	words  *keyword.Index
	photos *vector.Filter
	known  map[int64]bool
}

// drawHalf gives the places of a random half of the photos.
func (g tagged) drawHalf(seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 0)).Perm(len(g.photos))[:len(g.photos)/2]
}

func (g tagged) half(folder string, seed uint64) (h half, err error) {
	if h.words, err = keyword.Open(folder); err != nil {
		return h, err
	}
	h.known = map[int64]bool{}
	h.photos = vector.NewFilter(func(yield func(int64) bool) {
		for _, one := range g.photos {
			if !yield(one.id) {
				return
			}
		}
	})
	var documents []keyword.Document
	for _, i := range g.drawHalf(seed) {
		h.known[g.photos[i].id] = true
		documents = append(documents, keyword.Document{ID: g.photos[i].id, Tags: g.tags[i]})
	}
	return h, h.words.Apply(documents, nil, 1)
}

// lists gives what both indexes find, and the cosines of what only the words found.
func (s *set) lists(ctx context.Context, h half, q query) (l fusion.Lists, err error) {
	if l.Words, err = h.words.Search(ctx, q.text, candidates); err != nil {
		return l, err
	}
	found, err := s.vectors.Search(ctx, q.vector, candidates, h.photos)
	if err != nil {
		return l, err
	}
	l.Vectors = found.Hits
	var more []int64
	for _, hit := range l.Words {
		if keyword.Whole(hit) {
			l.Whole = append(l.Whole, hit)
		}
		if !slices.ContainsFunc(l.Vectors, func(other index.Hit) bool { return other.ID == hit.ID }) {
			more = append(more, hit.ID)
		}
	}
	scores, err := s.vectors.Score(q.vector, more)
	for _, id := range more {
		l.Vectors = append(l.Vectors, index.Hit{ID: id, Score: scores[id]})
	}
	return l, err
}

// A way makes one list of what the indexes found.
type way struct {
	name string
	fuse func(fusion.Lists) []index.Hit
}

func ways(b fusion.Blend) []way {
	return []way{
		{"vectors alone", func(l fusion.Lists) []index.Hit { return firstOnes(l.Vectors) }},
		{"keywords alone", func(l fusion.Lists) []index.Hit { return l.Words }},
		{"reciprocal ranks", func(l fusion.Lists) []index.Hit { return reciprocal(l) }},
		{"blend", b.Fuse},
	}
}

func firstOnes(hits []index.Hit) []index.Hit { return hits[:min(candidates, len(hits))] }

// reciprocal is reciprocal rank fusion with its usual constant, and the exact tier
// of package fusion: what the blend is compared with.
func reciprocal(l fusion.Lists) []index.Hit {
	scores := map[int64]float64{}
	for _, list := range [][]index.Hit{l.Words, firstOnes(l.Vectors)} {
		for place, hit := range list {
			scores[hit.ID] += 1 / float64(60+place+1)
		}
	}
	for _, hit := range l.Whole {
		scores[hit.ID]++
	}
	var fused []index.Hit
	for id, score := range scores {
		fused = append(fused, index.Hit{ID: id, Score: score})
	}
	slices.SortFunc(fused, index.Compare)
	return fused
}

// hybrid measures the ways on photos of which half have tags.
func hybrid(ctx context.Context, s *set, t *table) error {
	c, err := s.calibration(ctx)
	if err != nil {
		return err
	}
	return s.hybrid(ctx, t, ways(c.Blend()))
}

func (s *set) hybrid(ctx context.Context, t *table, ways []way) error {
	g, err := s.tagged()
	if err != nil {
		return err
	}
	if err := s.measureHalves(ctx, t, g, "single tags", g.singles(), ways); err != nil {
		return err
	}
	return s.measureHalves(ctx, t, g, "pairs of tags", g.pairs(), ways)
}

func (s *set) measureHalves(ctx context.Context, t *table, g tagged, name string, queries []query, ways []way) error {
	if err := s.encodeQueries(ctx, queries); err != nil {
		return err
	}
	m := measured{}
	for seed := range uint64(seeds) {
		if err := s.measureHalf(ctx, g, seed, queries, ways, m); err != nil {
			return err
		}
	}
	return m.report(t, name, ways)
}

// measured holds the values of each query, one a seed, by way and measure.
type measured map[[2]string]map[string][]float64

var measures = []string{"mAP, all", "P@5, all", "R@10, all", "mAP, untagged half", "mAP, tagged half"}

func (m measured) put(way, measure, query string, value float64) {
	key := [2]string{way, measure}
	if m[key] == nil {
		m[key] = map[string][]float64{}
	}
	m[key][query] = append(m[key][query], value)
}

// report takes the mean over the seeds first: chance draws queries, not seeds.
func (m measured) report(t *table, queries string, ways []way) error {
	for _, measure := range measures {
		for _, way := range ways {
			values := m[[2]string{way.name, measure}]
			var means []float64
			for _, query := range slices.Sorted(maps.Keys(values)) {
				means = append(means, evaluate.Mean(values[query]))
			}
			if err := t.add(percent("Corel, "+queries, way.name, measure, means)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *set) measureHalf(ctx context.Context, g tagged, seed uint64, queries []query, ways []way, m measured) (err error) {
	folder, err := os.MkdirTemp(s.work, "words-*")
	if err != nil {
		return err
	}
	defer func() { err = joined(err, os.RemoveAll(folder)) }()
	h, err := g.half(filepath.Join(folder, "index"), seed)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, h.words.Close()) }()
	progress := newProgress(fmt.Sprintf("searches with half %d", seed+1), len(queries))
	for i, q := range queries {
		lists, err := s.lists(ctx, h, q)
		if err != nil {
			return err
		}
		for _, way := range ways {
			if err := m.add(way.name, way.fuse(lists), q, h, len(g.photos)); err != nil {
				return err
			}
		}
		progress.show(i)
	}
	return nil
}

func (m measured) add(way string, hits []index.Hit, q query, h half, size int) error {
	all, err := rank(hits, q, size, func(int64) bool { return true })
	if err != nil {
		return err
	}
	m.put(way, "mAP, all", q.text, all.AveragePrecision())
	m.put(way, "P@5, all", q.text, all.Precision(5))
	m.put(way, "R@10, all", q.text, all.Recall(10))
	for measure, known := range map[string]bool{"mAP, untagged half": false, "mAP, tagged half": true} {
		part, err := rank(hits, q, size, func(id int64) bool { return h.known[id] == known })
		if errors.Is(err, evaluate.ErrNoneRelevant) {
			continue
		}
		if err != nil {
			return err
		}
		m.put(way, measure, q.text, part.AveragePrecision())
	}
	return nil
}

// rank is the ranking of those hits that the filter lets through.
func rank(hits []index.Hit, q query, size int, in func(id int64) bool) (evaluate.Ranking, error) {
	wanted := 0
	for id := range q.relevant {
		if in(id) {
			wanted++
		}
	}
	var list []bool
	for _, hit := range hits {
		if in(hit.ID) {
			list = append(list, q.relevant[hit.ID])
		}
	}
	return evaluate.Listed(list, wanted, size)
}
