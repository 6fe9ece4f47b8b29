// Package model holds what training learns: heads, which bring the features of a frozen
// encoder's pictures and sentences into one space, and the forms in which features
// enter them. It builds the parts of a graph and runs heads to measure them; how they
// are learned is package stage's, what is measured package evaluation's.
package model

import (
	"math"
	"math/rand/v2"

	"vsed/training/graph"
)

// Sizes are those of a head.
type Sizes struct {
	Inputs  int `json:"inputs" toml:"inputs"`
	Hidden  int `json:"hidden" toml:"hidden"` // 0: a map, see NewMap
	Outputs int `json:"outputs" toml:"outputs"`
}

// A Head is two linear layers with a rectifier between them, or one where it is a map; its
// result has unit length. Weights are [inputs, outputs], row by row.
type Head struct {
	Sizes
	Name          string // goes before the names of its tensors
	HiddenWeights []float32
	HiddenOffset  []float32
	Weights       []float32
	Offset        []float32
}

// A Tensor is one of a head's lists of numbers.
type Tensor struct {
	Name    string
	Values  []float32 // the head's own
	Decayed bool      // weight decay applies
}

// NewHead draws a head's weights and offsets evenly from ±1/√inputs of their layer,
// as PyTorch does.
func NewHead(name string, sizes Sizes, random *rand.Rand) *Head {
	h := blank(name, sizes)
	for _, layer := range []struct {
		inputs  int
		tensors [][]float32
	}{
		{sizes.Inputs, [][]float32{h.HiddenWeights, h.HiddenOffset}},
		{sizes.Hidden, [][]float32{h.Weights, h.Offset}},
	} {
		most := 1 / math.Sqrt(float64(layer.inputs))
		for _, values := range layer.tensors {
			for i := range values {
				values[i] = float32(most * (2*random.Float64() - 1))
			}
		}
	}
	return h
}

// NewMap is a head of one linear layer, which at first leaves vectors as they are.
func NewMap(name string, width int) *Head {
	h := &Head{Sizes: Sizes{Inputs: width, Outputs: width}, Name: name, Weights: make([]float32, width*width), Offset: make([]float32, width)}
	for i := range width {
		h.Weights[i*width+i] = 1
	}
	return h
}

func blank(name string, sizes Sizes) *Head {
	if sizes.Hidden == 0 {
		return NewMap(name, sizes.Inputs)
	}
	return &Head{
		Sizes: sizes, Name: name,
		HiddenWeights: make([]float32, sizes.Inputs*sizes.Hidden), HiddenOffset: make([]float32, sizes.Hidden),
		Weights: make([]float32, sizes.Hidden*sizes.Outputs), Offset: make([]float32, sizes.Outputs),
	}
}

// Clone is a head of the same weights, which changes on its own.
func (h *Head) Clone() *Head {
	other := blank(h.Name, h.Sizes)
	for i, tensor := range other.Tensors() {
		copy(tensor.Values, h.Tensors()[i].Values)
	}
	return other
}

// Blend moves the head towards another of its sizes: by 0 it stays, by 1 it becomes
// the other.
func (h *Head) Blend(other *Head, part float64) {
	to := other.Tensors()
	for i, tensor := range h.Tensors() {
		for j, value := range to[i].Values {
			tensor.Values[j] += float32(part) * (value - tensor.Values[j])
		}
	}
}

// Tensors are the head's, always in one order.
func (h *Head) Tensors() []Tensor {
	last := []Tensor{{h.Name + ".weights", h.Weights, true}, {h.Name + ".offset", h.Offset, false}}
	if h.Hidden == 0 {
		return last
	}
	return append([]Tensor{{h.Name + ".hidden.weights", h.HiddenWeights, true}, {h.Name + ".hidden.offset", h.HiddenOffset, false}}, last...)
}

// Layers are a head's tensors as variables of a graph; a map has no hidden ones.
type Layers struct{ hiddenWeights, hiddenOffset, weights, offset *graph.Value }

// Declare makes variables of the head's tensors, once for a graph.
func (h *Head) Declare(g *graph.Graph) Layers {
	if h.Hidden == 0 {
		return Layers{weights: g.Variable(h.Name+".weights", h.Inputs, h.Outputs), offset: g.Variable(h.Name+".offset", h.Outputs)}
	}
	return Layers{
		g.Variable(h.Name+".hidden.weights", h.Inputs, h.Hidden), g.Variable(h.Name+".hidden.offset", h.Hidden),
		g.Variable(h.Name+".weights", h.Hidden, h.Outputs), g.Variable(h.Name+".offset", h.Outputs),
	}
}

// Apply gives the vectors of rows. Where kept is not nil it is the dropout of the
// hidden layer.
func (l Layers) Apply(g *graph.Graph, rows, kept *graph.Value) *graph.Value {
	if l.hiddenWeights == nil {
		return g.Unit(g.Linear(rows, l.weights, l.offset))
	}
	hidden := g.Relu(g.Linear(rows, l.hiddenWeights, l.hiddenOffset))
	if kept != nil {
		hidden = g.Dropout(hidden, kept)
	}
	return g.Unit(g.Linear(hidden, l.weights, l.offset))
}
