package learn

import (
	"context"

	"vsed/encoders/learned"
	"vsed/plugins/contract"
)

// leastNew photos held out must be new to an encoder that has learned: of fewer, chance
// alone would speak.
const leastNew = 20

// serving is what the encoder that the task names finds as it is. It has learned: on
// photos that it has seen nothing could compete with it.
type serving struct {
	news   sample // photos held out that are new to it
	before ranked
}

// serving gives nil where the base has learned nothing, or has seen nearly all photos.
func (r *run) serving(ctx context.Context, j *judge) (*serving, error) {
	if !learned.Made(r.base) {
		return nil, nil
	}
	s := &serving{news: r.split.held.among(r.split.news)}
	if len(s.news.places) < leastNew || len(s.news.asked()) == 0 {
		r.note("%s new to %s, which serves: to compare with it takes %d, with tags that are learned", plural(len(s.news.places), "photo held out is", "photos held out are"), r.base.Name, leastNew)
		return nil, nil
	}
	others := j.plain
	if len(j.others) > 0 {
		var err error
		if others, err = j.strangers(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	s.before, err = s.news.rank(j.beside(sight{j.plain, deviation(others)}, j.knew))
	return s, err
}

// compare measures scores on the same photos.
func (s *serving) compare(scores [][]float64, seed uint64) (*contract.TrainingServing, error) {
	after, err := s.news.rank(scores)
	if err != nil {
		return nil, err
	}
	gain, err := s.news.gain(s.before, after, seed)
	return &contract.TrainingServing{Photos: len(s.news.places), Before: figures(s.before.report), After: figures(after.report), Gain: measure(gain)}, err
}
