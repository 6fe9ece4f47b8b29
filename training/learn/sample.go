package learn

import (
	"slices"

	"vsed/training/dataset"
	"vsed/training/evaluation"
)

// A sample are photos held out that scores are compared on. Scores are of all queries of
// a split, in their order, for all photos held out: those of the sample are a part.
//
// Photos that were held out in turn are ranked with those alone that were held out with
// them. Where a fold holds out photos of a tag, it has learned from fewer of them than the
// other folds, whose photos then stand before its own. In one ranking, ridge regression
// from 100 photos showed 3.7 points of a gain of 11.6, and 8.1 once tags were spread evenly
// over the folds; in a ranking a fold 8.7, where other photos gain 9.5 in as short ones.
type sample struct {
	places  []int   // of the photos
	bursts  []int   // the event of each of them, from 0
	columns []int   // of scores
	parts   [][]int // photos that are ranked together, by their order in the sample
	queries []evaluation.Query
}

// newSample takes photos whose scores begin at a column.
func newSample(photos dataset.Set, from int, parts [][]int) sample {
	return sample{places: placesOf(photos), bursts: photos.Events(), columns: numbers(from, from+len(photos)), parts: parts}
}

// query asks a tag of the photos.
func (s *sample) query(in *input, tag string) evaluation.Query {
	query := evaluation.Query{Tags: []string{tag}, Relevant: make([]bool, len(s.places)), Parts: s.parts}
	for i, place := range s.places {
		if _, has := slices.BinarySearch(in.photos[place].tags, tag); has {
			query.Relevant[i] = true
			query.Carriers++
		}
	}
	return query
}

// among gives some of the sample's photos, by their order in it; one may come twice.
func (s *sample) among(some []int) sample {
	part := sample{places: drawn(s.places, some), bursts: drawn(s.bursts, some), columns: drawn(s.columns, some)}
	part.parts = s.partsOf(some)
	for _, query := range s.queries {
		query.Relevant, query.Carriers, query.Parts = drawn(query.Relevant, some), 0, part.parts
		for _, relevant := range query.Relevant {
			if relevant {
				query.Carriers++
			}
		}
		part.queries = append(part.queries, query)
	}
	return part
}

// partsOf are the parts of some photos.
func (s *sample) partsOf(some []int) (parts [][]int) {
	part := make([]int, len(s.places))
	for number, photos := range s.parts {
		for _, photo := range photos {
			part[photo] = number
		}
	}
	parts = make([][]int, len(s.parts))
	for i, photo := range some {
		parts[part[photo]] = append(parts[part[photo]], i)
	}
	return parts
}

// A ranked result is what photos come to by some scores.
type ranked struct {
	scores [][]float64 // of each query that is asked, of each photo of the sample
	report evaluation.TagReport
}

// rank measures scores by the queries that are asked.
func (s *sample) rank(scores [][]float64) (found ranked, err error) {
	for i, query := range s.queries {
		if s.asks(query) {
			found.scores = append(found.scores, drawn(scores[i], s.columns))
		}
	}
	if len(found.scores) == 0 {
		return found, nil
	}
	next := 0 // queries are asked in their order
	found.report, err = evaluation.MeasureTags(s.asked(), func(evaluation.Query) ([]float64, error) {
		next++
		return found.scores[next-1], nil
	})
	return found, err
}

// asks tells whether some photos that are ranked together answer a query, and some do not.
func (s *sample) asks(query evaluation.Query) bool {
	return slices.ContainsFunc(s.parts, func(part []int) bool {
		answers := func(photo int) bool { return query.Relevant[photo] }
		return slices.ContainsFunc(part, answers) && slices.ContainsFunc(part, func(photo int) bool { return !answers(photo) })
	})
}

// asked are the queries that rankings have.
func (s *sample) asked() (queries []evaluation.Query) {
	for _, query := range s.queries {
		if s.asks(query) {
			queries = append(queries, query)
		}
	}
	return queries
}
