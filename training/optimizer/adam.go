package optimizer

import "math"

// Settings are those of Adam; the usual ones are DefaultSettings.
type Settings struct {
	Beta1, Beta2, Epsilon float64
	// Decay is AdamW's: each step takes this part, times the learning rate, off the
	// parameters that are Decayed. 0 is Adam.
	Decay float64
	// Clip is the most that the common norm of all gradients may be; 0: no limit.
	Clip float64
	// Threads to use; 0 means 1. The result does not depend on it.
	Threads int
}

// DefaultSettings are those of Adam's authors.
func DefaultSettings() Settings { return Settings{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8} }

// Adam changes parameters step by step.
type Adam struct {
	settings   Settings
	parameters []*Parameter
	moments    []moments
	pieces     []piece
	step       int
}

// moments are the running means of a parameter's gradient and of its square.
type moments struct{ mean, square []float32 }

// NewAdam starts before the first step.
func NewAdam(settings Settings, parameters ...*Parameter) (*Adam, error) {
	a := &Adam{settings: settings, parameters: parameters}
	for _, parameter := range parameters {
		if err := parameter.check(); err != nil {
			return nil, err
		}
		a.moments = append(a.moments, moments{make([]float32, len(parameter.Values)), make([]float32, len(parameter.Values))})
	}
	return a, nil
}

// Steps is how many steps were taken.
func (a *Adam) Steps() int { return a.step }

// Moments are the running means of the gradient and of its square for a parameter, in
// the order given to NewAdam: to be saved, and filled again before Resume.
func (a *Adam) Moments(parameter int) (mean, square []float32) {
	return a.moments[parameter].mean, a.moments[parameter].square
}

// Resume goes on after a number of steps, whose moments have been filled in.
func (a *Adam) Resume(steps int) { a.step = steps }

// Step changes the parameters at a learning rate and returns the norm that all
// gradients had together before they were clipped. If one of them is not finite,
// nothing is changed and the error is a *NotFiniteError.
func (a *Adam) Step(rate float64) (norm float64, err error) {
	a.cut()
	if norm, err = a.norm(); err != nil {
		return norm, err
	}
	a.step++
	scale := 1.0
	if limit := a.settings.Clip; limit > 0 && norm > limit {
		scale = limit / norm
	}
	u := a.update(rate, scale)
	a.share(func(p piece) { u.apply(a.parameters[p.parameter], a.moments[p.parameter], p) })
	return norm, nil
}

func (a *Adam) norm() (float64, error) {
	a.share(func(p piece) { a.pieces[p.place].squares = squares(a.parameters[p.parameter].used()[p.begin:p.end]) })
	var total float64
	for _, each := range a.pieces { // always in this order: the sum is the same for every number of threads
		if math.IsNaN(each.squares) || math.IsInf(each.squares, 0) {
			return each.squares, &NotFiniteError{a.step + 1, "gradient of " + a.parameters[each.parameter].Name}
		}
		total += each.squares
	}
	return math.Sqrt(total), nil
}

// squares is the sum of squares, in four parts that the processor adds up at a time.
// Squares of float32 do not overflow float64, so only what is not finite gives that.
func squares(values []float32) float64 {
	var a, b, c, d float64
	for len(values) >= 4 {
		v := values[:4:4]
		w, x, y, z := float64(v[0]), float64(v[1]), float64(v[2]), float64(v[3])
		a += w * w
		b += x * x
		c += y * y
		d += z * z
		values = values[4:]
	}
	for _, value := range values {
		a += float64(value) * float64(value)
	}
	return (a + b) + (c + d)
}

// update holds a step's factors.
type update struct {
	scale            float32 // of the gradient
	keep1, take1     float32
	keep2, take2     float32
	size             float32 // of the step, corrected for the first moment's start at 0
	correct, epsilon float32 // √(1/(1−β2ⁿ)): the second moment's correction
	left             float32 // of a decayed weight
}

func (a *Adam) update(rate, scale float64) update {
	s := a.settings
	return update{
		scale: float32(scale),
		keep1: float32(s.Beta1), take1: float32(1 - s.Beta1),
		keep2: float32(s.Beta2), take2: float32(1 - s.Beta2),
		size:    float32(rate / (1 - math.Pow(s.Beta1, float64(a.step)))),
		correct: float32(1 / math.Sqrt(1-math.Pow(s.Beta2, float64(a.step)))), epsilon: float32(s.Epsilon),
		left: float32(1 - rate*s.Decay),
	}
}

// apply changes a piece of a parameter.
func (u update) apply(parameter *Parameter, m moments, p piece) {
	if !parameter.Decayed {
		u.left = 1
	}
	if parameter.Width == 0 {
		u.change(parameter.Values[p.begin:p.end], parameter.Gradient[p.begin:p.end], m.mean[p.begin:p.end], m.square[p.begin:p.end])
		return
	}
	width := parameter.Width
	for at := p.begin; at < p.end; at += width {
		row := int(parameter.Rows[at/width]) * width
		u.change(parameter.Values[row:row+width], parameter.Gradient[at:at+width], m.mean[row:row+width], m.square[row:row+width])
	}
}

func (u update) change(values, gradient, mean, square []float32) {
	values, mean, square = values[:len(gradient)], mean[:len(gradient)], square[:len(gradient)]
	for i, g := range gradient {
		g *= u.scale
		first := u.keep1*mean[i] + u.take1*g
		second := u.keep2*square[i] + u.take2*g*g
		mean[i], square[i] = first, second
		values[i] = u.left*values[i] - u.size*first/(float32(math.Sqrt(float64(second)))*u.correct+u.epsilon)
	}
}
