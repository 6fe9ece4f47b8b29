package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"vsed/daemon/catalogue"
	"vsed/daemon/search"
	"vsed/index/evaluate"
)

// A phrase asks for photos by two tags in the language of queries.
type phrase struct {
	name, format string
	both         bool // whether the second tag is wanted
	filter       bool // whether it has to be known
}

var phrases = []phrase{
	{name: "one", format: "%[1]s"},
	{name: `one -"other"`, format: "%[1]s -%[2]q"},
	{name: "one -tag:other", format: "%[1]s -tag:%[2]q", filter: true},
	{name: "one other", format: "%[1]s %[2]s", both: true},
	{name: "one tag:other", format: "%[1]s tag:%[2]q", both: true, filter: true},
}

// A corel is the tagged set in a library that knows the tags of some photos.
type corel struct {
	*set
	tagged
	engine   *search.Engine
	name     string
	carriers map[string]map[int64]bool // by tag
	known    map[int64]bool
}

// language measures signs and filters as a user types them, in a library without tags
// and in one that knows those of a random half.
func language(ctx context.Context, s *set, t *table) error {
	g, err := s.tagged()
	if err != nil {
		return err
	}
	c := corel{set: s, tagged: g, name: "no tags known", carriers: map[string]map[int64]bool{}, known: map[int64]bool{}}
	for _, one := range g.singles() {
		c.carriers[one.text] = one.relevant
	}
	if err := c.measure(ctx, t); err != nil {
		return err
	}
	c.name = "half known"
	for _, i := range g.drawHalf(0) {
		c.known[g.photos[i].id] = true
	}
	return c.measure(ctx, t)
}

func (c corel) measure(ctx context.Context, t *table) error {
	return c.withLibrary(ctx, c.tag, func(ctx context.Context, engine *search.Engine) error {
		c.engine = engine
		for _, one := range phrases {
			if one.filter && len(c.known) == 0 {
				continue
			}
			if err := c.ask(ctx, t, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// tag puts the tags that are known on their photos.
func (c corel) tag(ctx context.Context, library *catalogue.Catalogue) error {
	for i, photo := range c.tagged.photos {
		if c.known[photo.id] {
			if err := library.AddTags(ctx, photo.id, c.tags[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask measures a phrase with all pairs of tags.
func (c corel) ask(ctx context.Context, t *table, asked phrase) error {
	var precision, unwanted []float64
	pairs := c.pairs()
	progress := newProgress(c.name+": "+asked.name, len(pairs))
	for i, pair := range pairs {
		ids, err := c.answer(ctx, fmt.Sprintf(asked.format, pair.tags[0], pair.tags[1]))
		if err != nil {
			return err
		}
		ranking, share, err := c.judge(asked, pair.tags, ids)
		if errors.Is(err, evaluate.ErrNoneRelevant) {
			continue
		}
		if err != nil {
			return err
		}
		precision, unwanted = append(precision, ranking.AveragePrecision()), append(unwanted, share)
		progress.show(i)
	}
	queries := "Corel, one without another, "
	if asked.both {
		queries = "Corel, pairs, "
	} else if err := t.add(percent(queries+c.name, asked.name, "unwanted in the first 10", unwanted)); err != nil {
		return err
	}
	return t.add(percent(queries+c.name, asked.name, "mAP", precision))
}

// answer gives the photos of the set that a query finds, best first.
func (c corel) answer(ctx context.Context, text string) (ids []int64, err error) {
	text = fmt.Sprintf("%s folder:%q group:off", text, filepath.Join(c.data, corelPhotos))
	result, err := c.engine.Search(ctx, search.Request{Text: text, Limit: 2 * candidates})
	if err == nil && result.Partial != "" {
		err = errors.New(result.Partial)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	for _, hit := range result.Hits {
		ids = append(ids, hit.Photo.ID)
	}
	return ids, nil
}

// judge ranks what was found, and tells the share of photos with the unwanted tag
// among the first ten. What a filter should have kept away is an error.
func (c corel) judge(asked phrase, tags []string, ids []int64) (r evaluate.Ranking, unwanted float64, err error) {
	one, other := c.carriers[tags[0]], c.carriers[tags[1]]
	wanted := 0
	for id := range one {
		if other[id] == asked.both {
			wanted++
		}
	}
	relevant := make([]bool, len(ids))
	for i, id := range ids {
		relevant[i] = one[id] && other[id] == asked.both
		if i < 10 && other[id] {
			unwanted += 0.1
		}
		if asked.filter && (c.known[id] && other[id]) != asked.both {
			return r, 0, fmt.Errorf("%s, %q: photo %d does not pass the filter", asked.name, tags, id)
		}
	}
	r, err = evaluate.Listed(relevant, wanted, len(c.tagged.photos))
	return r, unwanted, err
}
