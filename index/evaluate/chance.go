package evaluate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

// An Interval holds a measure's value with 95 % confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples is how often queries are drawn anew: the ends of the interval then move
// by less than a tenth of its width from seed to seed.
const resamples = 1000

// Bootstrap tells how far the mean over the queries would move with other queries
// of the kind: the percentile interval of means over as many, drawn with
// replacement. One seed gives one interval.
func Bootstrap(values []float64, seed uint64) Interval {
	random := rand.New(rand.NewPCG(seed, 0))
	means := make([]float64, resamples)
	for i := range means {
		var sum float64
		for range values {
			sum += values[random.IntN(len(values))]
		}
		means[i] = sum / float64(len(values))
	}
	slices.Sort(means)
	return Interval{Low: means[resamples/40], High: means[resamples-1-resamples/40]}
}

// An Alarm is a point of the curve that a threshold runs along.
type Alarm struct {
	Kept      float64 `json:"kept"` // share of queries with a match that reach the threshold
	Threshold float64 `json:"threshold"`
	False     float64 `json:"false_alarms"` // share of queries without one that reach it
}

// FalseAlarms gives, for a share of kept hits, the highest threshold that keeps it,
// and the share of background that reaches it. hits are values of queries that have
// a match, background of queries that have none. A NaN is an error.
func FalseAlarms(hits, background []float64, kept float64) (Alarm, error) {
	if len(hits) == 0 || len(background) == 0 {
		return Alarm{}, errors.New("false alarms need queries with a match and queries without one")
	}
	if slices.ContainsFunc(slices.Concat(hits, background), math.IsNaN) {
		return Alarm{}, errors.New("a value is not a number")
	}
	sorted := slices.Sorted(slices.Values(hits))
	lost := int(math.Floor((1 - kept) * float64(len(sorted)) * (1 + 1e-12)))
	threshold := sorted[min(lost, len(sorted)-1)]
	return Alarm{Kept: reaching(hits, threshold), Threshold: threshold, False: reaching(background, threshold)}, nil
}

func reaching(values []float64, threshold float64) float64 {
	n := 0
	for _, value := range values {
		if value >= threshold {
			n++
		}
	}
	return float64(n) / float64(len(values))
}
