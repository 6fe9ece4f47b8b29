package evaluation

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"vsed/index/evaluate"
)

// LeastCarriers is how many photos must carry a tag, or both of a pair, for it to be
// asked: of fewer, chance alone would speak.
const LeastCarriers = 3

// A Query asks for the photos that carry all its tags: one, or a pair.
type Query struct {
	Tags     []string
	Relevant []bool // for each photo
	Carriers int
	// Parts of the photos, by their places, are ranked each alone, since their scores cannot
	// be compared. None: all are ranked together.
	Parts [][]int
}

// SingleTags are the queries for one tag each, by name.
func SingleTags(photos [][]string) []Query {
	return queries(photos, func(tags []string) (list [][]string) {
		for _, tag := range tags {
			list = append(list, []string{tag})
		}
		return list
	})
}

// TagPairs are the queries for two tags that photos carry together, by name.
func TagPairs(photos [][]string) []Query {
	return queries(photos, func(tags []string) (list [][]string) {
		for i, second := range tags {
			for _, first := range tags[:i] {
				list = append(list, []string{first, second})
			}
		}
		return list
	})
}

func queries(photos [][]string, of func(tags []string) [][]string) (list []Query) {
	place := map[string]int{}
	for photo, tags := range photos {
		tags = slices.Compact(slices.Sorted(slices.Values(tags)))
		for _, asked := range of(tags) {
			key := strings.Join(asked, "\x00")
			at, known := place[key]
			if !known {
				at = len(list)
				place[key] = at
				list = append(list, Query{Tags: asked, Relevant: make([]bool, len(photos))})
			}
			list[at].Relevant[photo] = true
			list[at].Carriers++
		}
	}
	list = slices.DeleteFunc(list, func(query Query) bool { return query.Carriers < LeastCarriers })
	slices.SortFunc(list, func(a, b Query) int { return slices.CompareFunc(a.Tags, b.Tags, cmp.Compare[string]) })
	return list
}

// A Found is the answer to one query, in percent.
type Found struct {
	Tags             []string `json:"tags"`
	Carriers         int      `json:"carriers"`
	AveragePrecision float64  `json:"average_precision"`
	P5               float64  `json:"p5"`
	R10              float64  `json:"r10"`
}

// TagReport is the result over the queries of a kind.
type TagReport struct {
	MAP     Measure `json:"map"`
	P5      Measure `json:"p5"`
	R10     Measure `json:"r10"`
	Queries []Found `json:"queries"`
}

// MeasureTags asks each query of score, which gives a score for each photo.
func MeasureTags(list []Query, score func(Query) ([]float64, error)) (TagReport, error) {
	if len(list) == 0 {
		return TagReport{}, fmt.Errorf("no tag is carried by %d photos: hold out more", LeastCarriers)
	}
	var report TagReport
	var precisions, fives, recalls []float64
	for _, query := range list {
		scores, err := score(query)
		if err != nil {
			return TagReport{}, fmt.Errorf("tag %q: %w", query.Tags, err)
		}
		found, err := query.Measure(scores)
		if err != nil {
			return TagReport{}, fmt.Errorf("tag %q: %w", query.Tags, err)
		}
		precisions, fives, recalls = append(precisions, found.AveragePrecision), append(fives, found.P5), append(recalls, found.R10)
		report.Queries = append(report.Queries, Found{query.Tags, query.Carriers, 100 * found.AveragePrecision, 100 * found.P5, 100 * found.R10})
	}
	report.MAP, report.P5, report.R10 = measured(precisions), measured(fives), measured(recalls)
	return report, nil
}

// Measure asks the query, from 0 to 1. Of parts it is the mean over the photos that answer
// it, each ranked in its own; parts of which all or none answer say nothing.
func (q Query) Measure(scores []float64) (found Found, err error) {
	found = Found{Tags: q.Tags}
	for _, part := range q.parts() {
		relevant, theirs := make([]bool, len(part)), make([]float64, len(part))
		carriers := 0
		for i, photo := range part {
			if relevant[i], theirs[i] = q.Relevant[photo], scores[photo]; relevant[i] {
				carriers++
			}
		}
		if len(q.Parts) > 0 && (carriers == 0 || carriers == len(part)) {
			continue
		}
		ranking, err := evaluate.Scored(theirs, relevant)
		if err != nil {
			return found, err
		}
		weight := float64(carriers)
		found.Carriers += carriers
		found.AveragePrecision += weight * ranking.AveragePrecision()
		found.P5 += weight * ranking.Precision(5)
		found.R10 += weight * ranking.Recall(10)
	}
	if found.Carriers == 0 {
		return found, evaluate.ErrNoneRelevant
	}
	weight := float64(found.Carriers)
	found.AveragePrecision, found.P5, found.R10 = found.AveragePrecision/weight, found.P5/weight, found.R10/weight
	return found, nil
}

func (q Query) parts() [][]int {
	if len(q.Parts) > 0 {
		return q.Parts
	}
	all := make([]int, len(q.Relevant))
	for i := range all {
		all[i] = i
	}
	return [][]int{all}
}

// Gain is the change of the mean average precision from before to after, over the
// same queries: the interval is that of the differences, query by query, which is
// narrower than the two reports' own.
func Gain(before, after TagReport) (Measure, error) {
	if len(before.Queries) != len(after.Queries) || len(before.Queries) == 0 {
		return Measure{}, errors.New("the two reports have other queries: measure both on the same photos")
	}
	differences := make([]float64, len(before.Queries))
	for i, query := range after.Queries {
		if !slices.Equal(before.Queries[i].Tags, query.Tags) {
			return Measure{}, errors.New("the two reports have other queries: measure both on the same photos")
		}
		differences[i] = (query.AveragePrecision - before.Queries[i].AveragePrecision) / 100
	}
	return measured(differences), nil
}

// Standardise gives scores a mean of 0 and a deviation of 1, so that those of two
// channels can be added for one query; equal scores become zeros.
func Standardise(scores []float64) []float64 {
	mean := evaluate.Mean(scores)
	var squares float64
	for _, score := range scores {
		squares += (score - mean) * (score - mean)
	}
	deviation := math.Sqrt(squares / float64(len(scores)))
	result := make([]float64, len(scores))
	for i, score := range scores {
		if deviation > 0 {
			result[i] = (score - mean) / deviation
		}
	}
	return result
}
