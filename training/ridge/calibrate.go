package ridge

import (
	"errors"
	"fmt"
	"math"
)

// A Calibration turns a score into the probability that the photo has the tag: a
// logistic curve over the score and the tag's share, fitted over all tags together,
// since most have too few photos for a curve of their own (Platt 1999).
type Calibration struct {
	Slope  float64 `json:"slope"` // of the score
	Prior  float64 `json:"prior"` // of the log odds of the tag's share
	Offset float64 `json:"offset"`
}

// ErrNotCalibrated says that scores tell nothing about what was held out.
var ErrNotCalibrated = errors.New("the scores say nothing about the photos that were held out: tag more photos, or fewer tags on more photos each")

// Apart are what a calibration is fitted on: photos that a channel was not learned
// from, each with each of its tags. The zero value has none.
type Apart struct {
	score, odds []float64
	has         []bool
}

// Calibrate fits the curve on photos that the channel was not learned from: see Add.
func (c *Channel) Calibrate(rows Rows, examples []Example) (Calibration, error) {
	var p Apart
	if err := p.Add(c, rows, examples); err != nil {
		return Calibration{}, err
	}
	return p.Calibrate()
}

// Add takes photos that a channel was not learned from. Those without tags say nothing;
// a tag that the channel does not know is passed over.
func (p *Apart) Add(c *Channel, rows Rows, examples []Example) error {
	if rows.Len() != len(examples) {
		return fmt.Errorf("%d features for %d photos", rows.Len(), len(examples))
	}
	for i, example := range examples {
		if len(example.Tags) == 0 {
			continue
		}
		scores, err := c.Scores(nil, rows.Row(nil, i))
		if err != nil {
			return err
		}
		has := map[string]bool{}
		for _, tag := range example.Tags {
			has[tag] = true
		}
		for place, tag := range c.Tags {
			p.score = append(p.score, bent(scores[place]))
			p.odds = append(p.odds, c.odds(place))
			p.has = append(p.has, has[tag])
		}
	}
	return nil
}

// Learn fits the tags and how sure to be of them: the curve comes from a channel that
// was learned without the photos that are held out, the channel itself from all. The
// caller sees to it that no burst is on both sides.
func Learn(rows Rows, examples []Example, held []bool, options Options) (*Channel, Calibration, error) {
	if len(held) != len(examples) || rows.Len() != len(examples) {
		return nil, Calibration{}, fmt.Errorf("%d features and %d sides for %d photos", rows.Len(), len(held), len(examples))
	}
	learn, apart := part{Rows: rows}, part{Rows: rows}
	var learnExamples, apartExamples []Example
	for i, example := range examples {
		if held[i] {
			apart.places, apartExamples = append(apart.places, i), append(apartExamples, example)
		} else {
			learn.places, learnExamples = append(learn.places, i), append(learnExamples, example)
		}
	}
	without, err := Fit(learn, learnExamples, options)
	if err != nil {
		return nil, Calibration{}, err
	}
	calibration, err := without.Calibrate(apart, apartExamples)
	if err != nil {
		return nil, Calibration{}, err
	}
	whole, err := Fit(rows, examples, options)
	return whole, calibration, err
}

// part are some of the rows.
type part struct {
	Rows
	places []int
}

func (p part) Len() int                            { return len(p.places) }
func (p part) Row(into []float32, i int) []float32 { return p.Rows.Row(into, p.places[i]) }

// odds are the log odds of a tag's share, kept off the ends by half a photo.
func (c *Channel) odds(tag int) float64 {
	with := float64(c.Carriers[tag])
	return math.Log((with + .5) / (float64(c.Photos) - with + .5))
}

// Confidence is the probability, from 0 to 1, that a photo with this score has the
// tag.
func (k Calibration) Confidence(c *Channel, tag int, score float64) float64 {
	return logistic(k.Slope*bent(score) + k.Prior*c.odds(tag) + k.Offset)
}

// bend is added to a score before its logarithm: of 0.01, 0.02, 0.05, 0.1 and 0.2 it
// gave the least log loss at each number of photos.
const bend = 0.05

func bent(score float64) float64 { return math.Log(max(score, 0) + bend) }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

const (
	newtonSteps = 50
	newtonEnd   = 1e-10
	// hold keeps the fit of separable scores finite.
	hold = 1e-3
)

// Calibrate fits one curve, whatever channels the photos are apart from, by Newton's
// method on the log likelihood, whose targets are kept off 0 and 1 as Platt does.
func (p *Apart) Calibrate() (Calibration, error) {
	positive := 0.
	for _, has := range p.has {
		if has {
			positive++
		}
	}
	negative := float64(len(p.has)) - positive
	if positive == 0 || negative == 0 {
		return Calibration{}, ErrNotCalibrated
	}
	high, low := (positive+1)/(positive+2), 1/(negative+2)
	w := [3]float64{0, 0, math.Log(positive / negative)}
	loss := p.loss(w, high, low)
	for range newtonSteps {
		step, err := p.newton(w, high, low)
		if err != nil {
			return Calibration{}, err
		}
		next, lower := p.shortened(w, step, loss, high, low)
		if loss-lower < newtonEnd*loss {
			break
		}
		w, loss = next, lower
	}
	if !(w[0] > 0) || math.IsInf(w[0], 0) {
		return Calibration{}, ErrNotCalibrated
	}
	return Calibration{Slope: w[0], Prior: w[1], Offset: w[2]}, nil
}

// shortened halves a step until it lowers the loss: Newton's own may jump too far
// where few photos are held out.
func (p *Apart) shortened(w, step [3]float64, loss, high, low float64) ([3]float64, float64) {
	for share := 1.0; share > 1e-6; share /= 2 {
		next := w
		for i := range next {
			next[i] -= share * step[i]
		}
		if lower := p.loss(next, high, low); lower < loss {
			return next, lower
		}
	}
	return w, loss
}

// loss is the negative log likelihood, with the hold.
func (p *Apart) loss(w [3]float64, high, low float64) (sum float64) {
	for n, has := range p.has {
		x, target := w[0]*p.score[n]+w[1]*p.odds[n]+w[2], low
		if has {
			target = high
		}
		sum += math.Max(x, 0) - target*x + math.Log1p(math.Exp(-math.Abs(x)))
	}
	for _, weight := range w {
		sum += hold / 2 * weight * weight
	}
	return sum
}

// newton gives the step: the gradient through the inverse of the curvature.
func (p *Apart) newton(w [3]float64, high, low float64) (step [3]float64, err error) {
	var gradient [3]float64
	var curvature [3][3]float64
	for i := range w {
		gradient[i], curvature[i][i] = hold*w[i], hold
	}
	for n := range p.has {
		x := [3]float64{p.score[n], p.odds[n], 1}
		probability, target := logistic(w[0]*x[0]+w[1]*x[1]+w[2]), low
		if p.has[n] {
			target = high
		}
		weight := probability * (1 - probability)
		for i := range w {
			gradient[i] += (probability - target) * x[i]
			for j := range i + 1 {
				curvature[i][j] += weight * x[i] * x[j]
			}
		}
	}
	return solve3(curvature, gradient)
}

// solve3 solves a symmetric system of three, given in its lower triangle.
func solve3(a [3][3]float64, b [3]float64) (x [3]float64, err error) {
	var l [3][3]float64
	for i := range 3 {
		for j := range i + 1 {
			sum := a[i][j]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i != j {
				l[i][j] = sum / l[j][j]
				continue
			}
			if !(sum > 0) {
				return x, ErrNotCalibrated
			}
			l[i][i] = math.Sqrt(sum)
		}
	}
	for i := range 3 {
		x[i] = b[i]
		for k := range i {
			x[i] -= l[i][k] * x[k]
		}
		x[i] /= l[i][i]
	}
	for i := 2; i >= 0; i-- {
		for k := i + 1; k < 3; k++ {
			x[i] -= l[k][i] * x[k]
		}
		x[i] /= l[i][i]
	}
	return x, nil
}
