// Package joint is the model that vsed comes from (arXiv 1808.07793), and how it is
// learned: the feature of a frozen encoder's picture goes through one linear layer,
// the words of a sentence through a GRU, the mean of tags' words through a linear layer
// of its own, all into one space, where what belongs together is drawn together. Stage
// I learns from captioned pictures, stage II from tagged ones. It is given features and
// numbers of words in memory, and gives back weights and curves; files are its caller's
// business, but for the checkpoint of a run. The heads that vsed is shipped with are
// packages model and stage.
package joint

import (
	"math"
	"math/rand/v2"
	"slices"

	"vsed/training/graph"
)

// Sizes are those of a model.
type Sizes struct {
	Picture    int // values of a picture's feature
	Word       int // values of a word's vector
	Joint      int // values of the common space, and so of the GRU's state
	Vocabulary int // words
}

// A Model holds the weights.
type Model struct {
	Sizes
	Words   []float32 // the vectors of the vocabulary, a row each
	tensors []Tensor
}

// A Tensor is one of the lists of weights beside Words.
type Tensor struct {
	Name   string
	Values []float32 // the model's own
	Offset bool      // weight decay does not apply
}

// The names of layers go before those of their tensors.
const (
	pictureLayer  = "picture"
	tagsLayer     = "tags"
	sentenceLayer = "sentence"
)

// wordRange is how far from 0 the values of a drawn word's vector lie at most.
const wordRange = 0.1

// New draws the weights as VSE++'s code does: words evenly from ±0.1, the GRU's from
// ±1/√joint, layers from ±√(6/(inputs + outputs)), their offsets 0.
func New(sizes Sizes, random *rand.Rand) *Model {
	m := blank(sizes)
	draw(m.Words, wordRange, random)
	for _, tensor := range m.tensors {
		switch tensor.Name {
		case pictureLayer + ".weights":
			draw(tensor.Values, math.Sqrt(6/float64(sizes.Picture+sizes.Joint)), random)
		case tagsLayer + ".weights":
			draw(tensor.Values, math.Sqrt(6/float64(sizes.Word+sizes.Joint)), random)
		case pictureLayer + ".offset", tagsLayer + ".offset":
		default:
			draw(tensor.Values, 1/math.Sqrt(float64(sizes.Joint)), random)
		}
	}
	return m
}

func draw(values []float32, most float64, random *rand.Rand) {
	for i := range values {
		values[i] = float32(most * (2*random.Float64() - 1))
	}
}

func blank(s Sizes) *Model {
	m := &Model{Sizes: s, Words: make([]float32, s.Vocabulary*s.Word)}
	add := func(name string, size int, offset bool) {
		m.tensors = append(m.tensors, Tensor{name, make([]float32, size), offset})
	}
	add(pictureLayer+".weights", s.Picture*s.Joint, false)
	add(pictureLayer+".offset", s.Joint, true)
	add(tagsLayer+".weights", s.Word*s.Joint, false)
	add(tagsLayer+".offset", s.Joint, true)
	add(sentenceLayer+".gates.input", 2*s.Joint*s.Word, false)
	add(sentenceLayer+".gates.state", 2*s.Joint*s.Joint, false)
	add(sentenceLayer+".gates.offset", 2*s.Joint, true)
	add(sentenceLayer+".candidate.input", s.Joint*s.Word, false)
	add(sentenceLayer+".candidate.state", s.Joint*s.Joint, false)
	add(sentenceLayer+".candidate.offset", s.Joint, true)
	add(sentenceLayer+".candidate.state.offset", s.Joint, true)
	return m
}

// Tensors are the model's weights beside Words, always in one order.
func (m *Model) Tensors() []Tensor { return slices.Clone(m.tensors) }

// Clone is a model of the same weights, which change on their own.
func (m *Model) Clone() *Model {
	other := blank(m.Sizes)
	other.take(m)
	return other
}

// Grown is a clone with a larger vocabulary: the vector of each new word is drawn about
// that of a known one, which stood for it so far.
func (m *Model) Grown(vocabulary int, like int, random *rand.Rand) *Model {
	sizes := m.Sizes
	sizes.Vocabulary = vocabulary
	grown := blank(sizes)
	grown.take(m)
	added := grown.Words[m.Vocabulary*m.Word:]
	draw(added, wordRange, random)
	for i := range added {
		added[i] += m.Words[like*m.Word+i%m.Word]
	}
	return grown
}

// take copies the weights of a model of the same sizes.
func (m *Model) take(other *Model) {
	copy(m.Words, other.Words)
	for i, tensor := range m.tensors {
		copy(tensor.Values, other.tensors[i].Values)
	}
}

// weights are the tensors by their names, as a step takes them.
func (m *Model) weights() map[string][]float32 {
	weights := map[string][]float32{}
	for _, tensor := range m.tensors {
		weights[tensor.Name] = tensor.Values
	}
	return weights
}

// linear is a layer whose result has unit length.
func linear(g *graph.Graph, name string, rows *graph.Value, inputs, outputs int) *graph.Value {
	return g.Unit(g.Linear(rows, g.Variable(name+".weights", inputs, outputs), g.Variable(name+".offset", outputs)))
}

// sentences are the last states of the GRU over rows of words, all first words before
// all second ones, of unit length.
func (s Sizes) sentences(g *graph.Graph, words, padding *graph.Value, length int) *graph.Value {
	return g.Unit(g.Recur(g.NewGRU(sentenceLayer, s.Word, s.Joint), words, padding, length))
}
