package learn

import (
	"maps"
	"math/rand/v2"
	"slices"

	"vsed/index/evaluate"
	"vsed/training/evaluation"
)

// resamples of the events held out.
const resamples = 400

// gain is the change of the mean average precision, and where it would lie with other
// tags of the kind. A few tags alone tell little of chance, one nothing: then it is
// where it would lie with other tags or with other photos held out.
func (s *sample) gain(before, after ranked, seed uint64) (evaluation.Measure, error) {
	gain, err := evaluation.Gain(before.report, after.report)
	if err != nil || len(before.scores) >= wantedQueries {
		return gain, err
	}
	random := rand.New(rand.NewPCG(seed, 3))
	var gains []float64
	for range resamples {
		if change, some := s.change(before.scores, after.scores, s.draw(random)); some {
			gains = append(gains, change)
		}
	}
	if len(gains) == 0 {
		return gain, nil
	}
	slices.Sort(gains)
	gain.Low = min(gain.Low, gains[len(gains)/40])
	gain.High = max(gain.High, gains[len(gains)-1-len(gains)/40])
	return gain, nil
}

// draw gives the photos that are measured on, by as many events, drawn with replacement.
func (s *sample) draw(random *rand.Rand) (photos []int) {
	events := map[int][]int{}
	for photo, event := range s.bursts {
		events[event] = append(events[event], photo)
	}
	numbers := slices.Sorted(maps.Keys(events))
	for range numbers {
		photos = append(photos, events[numbers[random.IntN(len(numbers))]]...)
	}
	return photos
}

// change is that of the mean over the tags which some of the photos have, and others
// have not, in percent.
func (s *sample) change(before, after [][]float64, photos []int) (mean float64, some bool) {
	var changes []float64
	asked := sample{places: s.places, bursts: s.bursts, columns: s.columns, parts: s.parts, queries: s.asked()}
	part := asked.among(photos)
	for i, query := range part.queries {
		if !part.asks(query) {
			continue
		}
		then, err := query.Measure(drawn(before[i], photos))
		now, failed := query.Measure(drawn(after[i], photos))
		if err == nil && failed == nil {
			changes = append(changes, now.AveragePrecision-then.AveragePrecision)
		}
	}
	return 100 * evaluate.Mean(changes), len(changes) > 0
}

func drawn[T any](from []T, places []int) []T {
	some := make([]T, len(places))
	for i, place := range places {
		some[i] = from[place]
	}
	return some
}
