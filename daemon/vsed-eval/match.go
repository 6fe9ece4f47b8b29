package main

import (
	"context"
	_ "embed" // what is in no photo
	"strings"

	"vsed/daemon/search"
	"vsed/index/evaluate"
)

// absent are sentences of things that no photo of the sets shows.
//
//go:embed absent.txt
var absent string

// longestTag is how many words a sentence has at most that stands beside tags;
// longer ones stand beside captions.
const longestTag = 2

// A judged query has what tells whether its answer is a good match.
type judged struct{ cosine, standing []float64 }

// match measures how well a good match is told from none, by the nearest photo's
// cosine and by its standing.
func match(ctx context.Context, s *set, t *table) error {
	c, err := s.calibration(ctx)
	if err != nil {
		return err
	}
	d, err := s.described(ctx)
	if err != nil {
		return err
	}
	g, err := s.tagged()
	if err != nil {
		return err
	}
	tags := g.singles()
	if err := s.encodeQueries(ctx, tags); err != nil {
		return err
	}
	var words [][]float32
	for _, tag := range tags {
		words = append(words, tag.vector)
	}
	short, long, err := s.absent(ctx)
	if err != nil {
		return err
	}
	if err := s.match(ctx, t, c, "captions", d.sentences, long); err != nil {
		return err
	}
	return s.match(ctx, t, c, "single tags", words, short)
}

// absent gives the vectors of sentences of what is in no photo, by their length.
func (s *set) absent(ctx context.Context) (short, long [][]float32, err error) {
	sentences := strings.Split(strings.TrimSpace(absent), "\n")
	vectors, err := s.texts.encode(ctx, sentences)
	for i, vector := range vectors {
		if len(strings.Fields(sentences[i])) <= longestTag {
			short = append(short, vector)
		} else {
			long = append(long, vector)
		}
	}
	return short, long, err
}

func (s *set) match(ctx context.Context, t *table, c *search.Calibration, name string, with, without [][]float32) error {
	hits, err := s.judge(ctx, c, with)
	if err != nil {
		return err
	}
	background, err := s.judge(ctx, c, without)
	if err != nil {
		return err
	}
	for _, kept := range []float64{0.95, 0.9, 0.8, 0.5} {
		for _, way := range []struct {
			name             string
			hits, background []float64
		}{{"nearest cosine", hits.cosine, background.cosine}, {"standing", hits.standing, background.standing}} {
			alarm, err := evaluate.FalseAlarms(way.hits, way.background, kept)
			if err != nil {
				return err
			}
			if err := t.add(figure{
				Queries: name + ", all photos", Way: way.name, Measure: "false alarms, " + percentName(kept) + " kept",
				Value: 100 * alarm.False, Unit: "%", Count: len(with) + len(without),
			}); err != nil {
				return err
			}
		}
	}
	return s.rules(t, c, name, hits, background)
}

// rules measures the floor that is shipped beside the one that needs no library.
func (s *set) rules(t *table, c *search.Calibration, name string, hits, background judged) error {
	manifest := s.texts.about.GetMatchFloor()
	for _, rule := range []struct {
		way, measure string
		values       []float64
		floor        float64
	}{
		{"cosine, manifest's floor", "hits kept", hits.cosine, manifest},
		{"cosine, manifest's floor", "false alarms", background.cosine, manifest},
		{"standing, as shipped", "hits kept", hits.standing, c.Floor},
		{"standing, as shipped", "false alarms", background.standing, c.Floor},
	} {
		passed := make([]float64, len(rule.values))
		for i, value := range rule.values {
			if value >= rule.floor {
				passed[i] = 1
			}
		}
		if err := t.add(percent(name+", all photos", rule.way, rule.measure, passed)); err != nil {
			return err
		}
	}
	return nil
}

func (s *set) judge(ctx context.Context, c *search.Calibration, queries [][]float32) (j judged, err error) {
	progress := newProgress("queries judged", len(queries))
	for i, query := range queries {
		found, err := s.vectors.Search(ctx, query, candidates, nil)
		if err != nil {
			return j, err
		}
		standing, err := c.Standing(found.Hits, s.vectors)
		if err != nil {
			return j, err
		}
		j.cosine, j.standing = append(j.cosine, found.Hits[0].Score), append(j.standing, standing)
		progress.show(i)
	}
	return j, nil
}
