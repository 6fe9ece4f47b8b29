package joint

import (
	"context"
	"errors"
	"fmt"
	"math"

	"vsed/encoders/runtime"
	"vsed/training/optimizer"
)

// Epoch is a point of the curve.
type Epoch struct {
	Number int     `json:"epoch"` // from 1
	Rate   float64 `json:"rate"`
	Loss   float64 `json:"loss"`  // mean over its steps
	Score  float64 `json:"score"` // by which epochs are compared
	Open   int     `json:"open"`  // tagged pictures that the curriculum has let in
}

// A Judge scores the model after an epoch, the higher the better; its error ends the
// run.
type Judge func(ctx context.Context, epoch Epoch, model *Model) (score float64, err error)

// A Run is one stage of learning. Checkpoint names a file from which the run goes on
// where one was ended; empty: none is kept.
type Run struct {
	Settings
	Library    *runtime.Library
	Checkpoint string

	from string // digest of what is learned from, where a checkpoint is kept
}

// Learn changes the model to the best of its epochs, by the judge, and gives the curve.
// Tagged is read in stage II alone.
func (r Run) Learn(ctx context.Context, model *Model, captioned, tagged Data, judge Judge) (curve []Epoch, err error) {
	if r.Settings, err = r.fit(model.Sizes, captioned, tagged); err != nil {
		return nil, err
	}
	l, err := newLearner(r.Library, model, r.Settings)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.step.Close()) }()
	if r.Checkpoint != "" {
		if r.from, err = begunFrom(model, captioned, tagged); err != nil {
			return nil, err
		}
	}
	best := model.Clone()
	if curve, err = r.resume(l, best); err != nil {
		return nil, err
	}
	var order []int
	if r.Tagged > 0 {
		order = Curriculum(captioned, tagged)
	}
	for number := len(curve); number < r.Epochs; number++ {
		epoch, err := l.epoch(ctx, number, captioned, tagged, order)
		if err != nil {
			return curve, err
		}
		if epoch.Score, err = judge(ctx, epoch, model); err != nil {
			return curve, err
		}
		if math.IsNaN(epoch.Score) {
			return curve, fmt.Errorf("epoch %d: the score is no number", epoch.Number)
		}
		if top := Best(curve); len(curve) == 0 || epoch.Score > curve[top].Score {
			best.take(model)
		}
		curve = append(curve, epoch)
		if err := r.save(l, best, curve); err != nil {
			return curve, err
		}
	}
	model.take(best)
	return curve, nil
}

// Best is the place of the first epoch with the highest score.
func Best(curve []Epoch) (place int) {
	for i, epoch := range curve {
		if epoch.Score > curve[place].Score {
			place = i
		}
	}
	return place
}

// fit checks the data, and makes the batch no larger than it.
func (r Run) fit(sizes Sizes, captioned, tagged Data) (Settings, error) {
	s := r.Settings
	if err := errors.Join(s.Check(), captioned.check(sizes, "captioned pictures")); err != nil {
		return s, err
	}
	s.Captioned = min(s.Captioned, len(captioned.Captions))
	if s.Captioned == 1 {
		return s, errors.New("there is one caption: two are the least")
	}
	if s.Tagged == 0 {
		return s, nil
	}
	if err := tagged.check(sizes, "tagged pictures"); err != nil {
		return s, err
	}
	s.Tagged = min(s.Tagged, len(tagged.tagged()))
	if s.Tagged < 2 {
		return s, fmt.Errorf("%d pictures have tags: two are the least", s.Tagged)
	}
	return s, nil
}

// Steps of an epoch.
func (s Settings) Steps(captioned, tagged Data) int {
	if s.PerEpoch > 0 {
		return s.PerEpoch
	}
	if s.Tagged > 0 {
		return (len(tagged.tagged()) + s.Tagged - 1) / s.Tagged
	}
	return len(captioned.Captions) / max(1, s.Captioned)
}

// epoch takes an epoch's steps. All that is drawn in it is drawn anew, so that a run
// goes on from its end.
func (l *learner) epoch(ctx context.Context, number int, captioned, tagged Data, order []int) (Epoch, error) {
	epoch := Epoch{Number: number + 1, Rate: optimizer.Tenths(l.Rate, l.TenthAfter)(number)}
	captions := round{random: l.random, places: all(len(captioned.Captions))}
	places := round{random: l.random}
	if l.Tagged > 0 {
		epoch.Open = l.open(len(order), number)
		places.places = order[:epoch.Open]
	}
	if hardness := l.step.Numbers("hardness"); hardness != nil {
		hardness[0] = l.hardness(number)
	}
	steps := l.Steps(captioned, tagged)
	for range steps {
		loss, err := l.take(ctx, captioned, captions.next(l.Captioned), tagged, places.next(l.Tagged), epoch.Rate)
		if err != nil {
			return epoch, fmt.Errorf("epoch %d: %w", epoch.Number, err)
		}
		epoch.Loss += loss / float64(steps)
	}
	return epoch, nil
}
