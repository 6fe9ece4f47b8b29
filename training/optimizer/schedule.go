package optimizer

import "math"

// Schedule is the learning rate of a step, or of an epoch, counted from 0.
type Schedule func(step int) float64

// Constant is one rate for all steps.
func Constant(rate float64) Schedule { return func(int) float64 { return rate } }

// Tenths divides a rate by ten after each so many of them.
func Tenths(rate float64, every int) Schedule {
	return func(step int) float64 { return rate * math.Pow(0.1, float64(step/every)) }
}

// Where a cycle begins, and ends, as parts of its largest rate.
const (
	cycleStart = 1.0 / 25
	cycleEnd   = cycleStart / 1e4
)

// OneCycle rises by half a cosine to a largest rate in the first part of all steps
// (warmUp, 0.1 as a rule) and falls by another to nearly nothing at the last.
func OneCycle(largest float64, steps int, warmUp float64) Schedule {
	top := max(0, warmUp*float64(steps)-1)
	fall := max(1, float64(steps-1)-top)
	return func(step int) float64 {
		if at := float64(step); at < top {
			return glide(cycleStart*largest, largest, at/top)
		}
		return glide(largest, cycleEnd*largest, min(1, (float64(step)-top)/fall))
	}
}

// glide is half a cosine from a to b.
func glide(a, b, part float64) float64 { return b + (a-b)/2*(1+math.Cos(math.Pi*part)) }
