// Package optimizer changes weights by their gradients: Adam and AdamW, for whole
// tensors and for those rows of a table that a batch has used, with the gradients
// clipped by their common norm, and schedules of the learning rate. It works on the
// slices that a graph reads and writes, and knows neither graphs nor models.
package optimizer

import "fmt"

// Parameter is one tensor that is learned.
type Parameter struct {
	Name     string
	Values   []float32 // changed in place
	Gradient []float32 // of the last step; as long as Values, unless this is a table
	Decayed  bool      // weight decay applies: to weights, as a rule, not to offsets

	// A table changes by rows, of Width values each: Gradient has one row for each of
	// Rows, which names no row twice. What no batch uses stays as it is, its moments
	// included. Collect fills in both.
	Width int
	Rows  []int32
}

// used is the part of Gradient that counts.
func (p *Parameter) used() []float32 {
	if p.Width == 0 {
		return p.Gradient
	}
	return p.Gradient[:len(p.Rows)*p.Width]
}

func (p *Parameter) check() error {
	switch {
	case p.Width == 0 && len(p.Gradient) != len(p.Values):
		return fmt.Errorf("parameter %s has %d values and a gradient of %d", p.Name, len(p.Values), len(p.Gradient))
	case p.Width < 0 || p.Width > 0 && len(p.Values)%p.Width != 0:
		return fmt.Errorf("parameter %s: %d values are not rows of %d", p.Name, len(p.Values), p.Width)
	}
	return nil
}

// NotFiniteError says that a step gave a number that is none. The weights are those
// of before the step.
type NotFiniteError struct {
	Step   int    // counted from 1
	Tensor string // such as "loss" or "gradient of image.weights"
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("step %d: %s is not finite; lower the learning rate, or look for bad values in the data", e.Step, e.Tensor)
}
