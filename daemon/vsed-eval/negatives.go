package main

import (
	"context"
	"errors"
	"math"

	"vsed/index/evaluate"
)

// away is how much of a sentence to stay away from is taken from the query.
const away = 0.5

// negatives asks for photos with the first tag of a pair and without the second, by
// vectors alone: leaving the second out of the query, and turning away from it.
func negatives(ctx context.Context, s *set, t *table) error {
	g, err := s.tagged()
	if err != nil {
		return err
	}
	carriers := map[string]query{}
	singles := g.singles()
	if err := s.encodeQueries(ctx, singles); err != nil {
		return err
	}
	for _, one := range singles {
		carriers[one.text] = one
	}
	values := map[string]*[2][]float64{"mAP": {}, "unwanted in the first 10": {}}
	for _, pair := range g.pairs() {
		wanted, unwanted := carriers[pair.tags[0]], carriers[pair.tags[1]]
		for i, vector := range [][]float32{wanted.vector, turned(wanted.vector, unwanted.vector)} {
			precision, share, err := without(cosines(vector, g.photos), g.photos, wanted.relevant, unwanted.relevant)
			if errors.Is(err, evaluate.ErrNoneRelevant) {
				continue
			}
			if err != nil {
				return err
			}
			values["mAP"][i] = append(values["mAP"][i], precision)
			values["unwanted in the first 10"][i] = append(values["unwanted in the first 10"][i], share)
		}
	}
	for _, measure := range []string{"mAP", "unwanted in the first 10"} {
		for i, way := range []string{"one", "one -\"other\""} {
			if err := t.add(percent("Corel, one tag without another", way, measure, values[measure][i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// without gives the average precision for photos that carry one tag and not the
// other, and the share of those with the other among the first ten.
func without(scores []float64, photos []photo, wanted, unwanted map[int64]bool) (precision, share float64, err error) {
	relevant, refused := make([]bool, len(photos)), make([]bool, len(photos))
	for i, one := range photos {
		relevant[i], refused[i] = wanted[one.id] && !unwanted[one.id], unwanted[one.id]
	}
	good, err := evaluate.Scored(scores, relevant)
	if err != nil {
		return 0, 0, err
	}
	bad, err := evaluate.Scored(scores, refused)
	return good.AveragePrecision(), bad.Precision(10), err
}

// turned is the query turned away from a sentence, of unit length.
func turned(query, sentence []float32) []float32 {
	vector := make([]float32, len(query))
	var squares float64
	for i := range query {
		vector[i] = query[i] - away*sentence[i]
		squares += float64(vector[i]) * float64(vector[i])
	}
	for i := range vector {
		vector[i] /= float32(math.Sqrt(squares))
	}
	return vector
}
