package learn

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"vsed/index/evaluate"
	"vsed/training/evaluation"
)

// resamples of the events held out.
const resamples = 400

// gain is the change of the mean average precision, and where it would lie with other
// tags of the kind or with other photos held out, whichever is wider. Other tags alone
// would make noise a gain: a town, its country and the holiday there are on the same
// photos, and then many tags tell no more than one.
func (s *sample) gain(before, after ranked, seed uint64) (evaluation.Measure, error) {
	gain, err := evaluation.Gain(before.report, after.report)
	if err != nil {
		return gain, err
	}
	then, now := s.orders(before), s.orders(after)
	random := rand.New(rand.NewPCG(seed, 3))
	var gains []float64
	for range resamples {
		if change, some := change(then, now, s.draw(random)); some {
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

// draw tells how often each photo comes where as many events are drawn with replacement.
func (s *sample) draw(random *rand.Rand) (times []int) {
	numbers := slices.Compact(slices.Sorted(slices.Values(s.bursts)))
	drawn := map[int]int{}
	for range numbers {
		drawn[numbers[random.IntN(len(numbers))]]++
	}
	times = make([]int, len(s.bursts))
	for photo, event := range s.bursts {
		times[photo] = drawn[event]
	}
	return times
}

// An order is what a query finds among photos that are ranked together. It stays the same
// whichever of them are drawn, so that a draw takes no sorting.
type order []placed

type placed struct {
	photo    int
	relevant bool
}

// orders are those of each query that is asked, a part each.
func (s *sample) orders(found ranked) (list [][]order) {
	for i, query := range s.asked() {
		var parts []order
		for _, part := range s.parts {
			var one order
			for _, photo := range part {
				one = append(one, placed{photo, query.Relevant[photo]})
			}
			slices.SortFunc(one, func(a, b placed) int { // as evaluate.Scored
				return cmp.Or(cmp.Compare(found.scores[i][b.photo], found.scores[i][a.photo]), cmp.Compare(answers(a), answers(b)))
			})
			parts = append(parts, one)
		}
		list = append(list, parts)
	}
	return list
}

func answers(one placed) int {
	if one.relevant {
		return 1
	}
	return 0
}

// change is that of the mean over the tags which some of the photos drawn have, and others
// have not, in percent.
func change(before, after [][]order, times []int) (mean float64, some bool) {
	var changes []float64
	for i := range before {
		then, asked := averagePrecision(before[i], times)
		now, _ := averagePrecision(after[i], times)
		if asked {
			changes = append(changes, now-then)
		}
	}
	return 100 * evaluate.Mean(changes), len(changes) > 0
}

// averagePrecision is that of evaluation.Query, where photos come several times or not at
// all.
func averagePrecision(parts []order, times []int) (mean float64, asked bool) {
	carriers := 0
	for _, part := range parts {
		if sum, found, all := part.precisions(times); found < all {
			mean, carriers = mean+sum, carriers+found
		}
	}
	return mean / float64(max(1, carriers)), carriers > 0
}

// precisions is the sum of those at the places of what is relevant, of which so many are
// found among all.
func (o order) precisions(times []int) (sum float64, found, all int) {
	for _, one := range o {
		for range times[one.photo] {
			if all++; one.relevant {
				found++
				sum += float64(found) / float64(all)
			}
		}
	}
	return sum, found, all
}

func drawn[T any](from []T, places []int) []T {
	some := make([]T, len(places))
	for i, place := range places {
		some[i] = from[place]
	}
	return some
}
