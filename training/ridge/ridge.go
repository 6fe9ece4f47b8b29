// Package ridge learns a user's own tags from stored features: a linear map for each
// tag, found in closed form by ridge regression on standardised features, with the
// probability that a score stands for. It knows words by their letters only: any
// language will do. What is done with a suggestion is not its business.
//
// The normal equations are solved in float64 by gonum's Cholesky decomposition, on the
// smaller side: photos × photos where there are fewer photos than values in a feature,
// values × values otherwise, so that the matrix never has more than width² numbers.
// gonum rather than a solver of our own: blocks, two cores and SSE2 give 12 GFLOP/s
// for the products and 6.5 for the decomposition where measured, and each block is
// summed by one goroutine in one order, so that the result does not depend on the
// number of cores. ONNX Runtime has no solver, and its products depend on the machine.
package ridge

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Rows are features of photos: a *features.Pictures.
type Rows interface {
	Len() int
	Width() int
	Row(into []float32, i int) []float32
}

// An Example says what the user said of a photo.
type Example struct {
	Tags []string
	// Refused are tags that were suggested and refused. They are counted where a photo
	// has no tags, too, of which it then says nothing else.
	Refused []string
}

// Options say how features enter and how strongly weights are held down; the zero value is
// not valid.
type Options struct {
	Lambda float64 // see Lambda and VectorLambda
	// Plain features are brought to unit length without the root.
	Plain bool
}

// OptionsFor are those for features of a width, which are the encoder's vectors or not.
func OptionsFor(width int, vectors bool) Options {
	if vectors {
		return Options{Lambda: VectorLambda(width), Plain: true}
	}
	return Options{Lambda: Lambda(width)}
}

// Lambda is the penalty for features of a width: 1000 for the 1,280 pooled values and
// 2500 for all 3,104, in proportion for another. Twice and half as much change less
// than 0.5 mAP on development photos of Corel5k.
func Lambda(width int) float64 { return 2500 * float64(width) / 3104 }

// VectorLambda is the penalty for vectors, which are plain: as a hub's encoder they were the
// 256 values of the built-in heads, or with class names 640. With the root, which tells
// large values from small ones less, the tags of Corel5k's development photos were found
// 1 to 3 mAP worse after 1,000 and 4,000 tagged photos. Half and twice as much change less
// than 0.5 mAP beside the vectors.
func VectorLambda(width int) float64 { return .2 * float64(width) }

// Weight is how much the channel's scores count beside those of heads that have learned
// from as many tagged photos, both standardised for each query: 0.5 after 100 photos, 0.7
// after 300, 1 after 1,000 and 1.5 after 4,000 were the best on development photos.
func Weight(photos int) float64 { return math.Pow(float64(photos)/1000, .3) }

// refusal is the target of a refused tag, where a tag that the photo has is 1 and one
// that nobody spoke of 0: a refusal weighs as much as a tag.
const refusal = -1.0

// A Channel scores features for each of its tags.
type Channel struct {
	Tags     []string  // sorted
	Carriers []int     // how many photos had each
	Photos   int       // that had tags
	Weights  []float32 // a row of a feature's width for each tag
	Bias     []float64
	Plain    bool // as it was learned
}

var (
	// ErrNoTags is what Fit says of examples without any tag.
	ErrNoTags = errors.New("no photo has a tag: tag some first")
	// ErrNotFinite refuses features that are no numbers.
	ErrNotFinite = errors.New("is not a finite number: compute the features again")
)

// Fit learns the tags of the examples, which belong to the rows one by one.
func Fit(rows Rows, examples []Example, options Options) (*Channel, error) {
	if rows.Len() != len(examples) {
		return nil, fmt.Errorf("%d features for %d photos", rows.Len(), len(examples))
	}
	if !(options.Lambda > 0) || math.IsInf(options.Lambda, 0) {
		return nil, fmt.Errorf("lambda is %v: it must be above 0", options.Lambda)
	}
	t := newTargets(examples)
	if len(t.tags) == 0 {
		return nil, ErrNoTags
	}
	s, err := measure(rows, t.used, options.Plain)
	if err != nil {
		return nil, err
	}
	var weights blas64.General // values × tags
	if len(t.used) < rows.Width() {
		weights, err = solveDual(s, t, options.Lambda)
	} else {
		weights, err = solvePrimal(s, t, options.Lambda)
	}
	if err != nil {
		return nil, err
	}
	return s.channel(t, weights), nil
}

// targets are what the rows should be mapped to, centred: a photo with tags has 1 less
// the tag's share for those it has and minus the share for the others; a refusal has
// `refusal` less the share; of all else a photo without tags says nothing, which is 0.
type targets struct {
	tags     []string
	place    map[string]int
	carriers []int
	used     []int // the rows that say anything
	examples []Example
	tagged   int
	share    []float64
}

func newTargets(examples []Example) *targets {
	t := &targets{place: map[string]int{}, examples: examples}
	counts := map[string]int{}
	for i, example := range examples {
		if len(example.Tags) > 0 {
			t.tagged++
		}
		for _, tag := range distinct(example.Tags) {
			counts[tag]++
		}
		if len(example.Tags)+len(example.Refused) > 0 {
			t.used = append(t.used, i)
		}
	}
	for tag := range counts {
		t.tags = append(t.tags, tag)
	}
	slices.Sort(t.tags)
	for i, tag := range t.tags {
		t.place[tag] = i
		t.carriers = append(t.carriers, counts[tag])
		t.share = append(t.share, float64(counts[tag])/float64(t.tagged))
	}
	return t
}

func distinct(tags []string) []string { return slices.Compact(slices.Sorted(slices.Values(tags))) }

// marks calls set with what differs from the row's base, which is minus the share of
// each tag for a photo with tags, and 0 for one without.
func (t *targets) marks(row int, set func(tag int, beyondBase float64)) (base bool) {
	example := t.examples[row]
	base = len(example.Tags) > 0
	for _, tag := range distinct(example.Tags) {
		set(t.place[tag], 1)
	}
	for _, tag := range distinct(example.Refused) {
		place, known := t.place[tag]
		if !known || slices.Contains(example.Tags, tag) {
			continue // nothing is learned of a tag that no photo has; the tag counts more than its refusal
		}
		if beyond := refusal; base {
			set(place, beyond)
		} else {
			set(place, beyond-t.share[place])
		}
	}
	return base
}

// solver holds the standardisation of the rows that are used.
type solver struct {
	rows  Rows
	used  []int
	width int
	plain bool
	mean  []float64
	scale []float64 // one over the deviation; 0 for a value that never changes
	row   []float32 // of the last read
}

// leastDeviation of a value, as a share of the largest: what is below is rounding.
const leastDeviation = 1e-6

// measure finds mean and deviation of each value in two passes.
func measure(rows Rows, used []int, plain bool) (*solver, error) {
	s := &solver{rows: rows, used: used, width: rows.Width(), plain: plain, mean: make([]float64, rows.Width()), scale: make([]float64, rows.Width())}
	if s.width == 0 {
		return nil, errors.New("the features have no values")
	}
	count := float64(len(used))
	for _, i := range used {
		s.row = prepare(rows.Row(s.row[:0], i), plain)
		for j, value := range s.row {
			if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
				return nil, fmt.Errorf("value %d of the feature of photo %d %w", j, i, ErrNotFinite)
			}
			s.mean[j] += float64(value) / count
		}
	}
	for _, i := range used {
		s.row = prepare(rows.Row(s.row[:0], i), plain)
		for j, value := range s.row {
			s.scale[j] += (float64(value) - s.mean[j]) * (float64(value) - s.mean[j]) / count
		}
	}
	least := leastDeviation * math.Sqrt(slices.Max(s.scale))
	for j, variance := range s.scale {
		s.scale[j] = 0
		if deviation := math.Sqrt(variance); deviation > least {
			s.scale[j] = 1 / deviation
		}
	}
	return s, nil
}

// read standardises the nth used row into values.
func (s *solver) read(values []float64, n int) {
	s.row = prepare(s.rows.Row(s.row[:0], s.used[n]), s.plain)
	for j, value := range s.row {
		values[j] = (float64(value) - s.mean[j]) * s.scale[j]
	}
}

// prepare brings a feature, in place, to the form that is standardised: the root
// with the value's sign takes the weight off single large activations, unit length
// the contrast of the photo. Together they give 0.4 mAP on development photos of
// Corel5k after 1,000 tagged ones (52.1; without either 51.8), and are what the heads
// take as well. A plain one gets unit length alone.
func prepare(feature []float32, plain bool) []float32 {
	var square float64
	for i, value := range feature {
		entered := float64(value)
		if !plain {
			entered = math.Copysign(math.Sqrt(math.Abs(entered)), entered)
		}
		square += entered * entered
		feature[i] = float32(entered)
	}
	if square > 0 {
		length := math.Sqrt(square)
		for i, value := range feature {
			feature[i] = float32(float64(value) / length)
		}
	}
	return feature
}

// channel folds the standardisation into the weights.
func (s *solver) channel(t *targets, weights blas64.General) *Channel {
	c := &Channel{
		Tags: t.tags, Carriers: t.carriers, Photos: t.tagged,
		Weights: make([]float32, len(t.tags)*s.width), Bias: slices.Clone(t.share), Plain: s.plain,
	}
	for j := range s.width {
		for tag := range t.tags {
			weight := weights.Data[j*weights.Stride+tag] * s.scale[j]
			c.Weights[tag*s.width+j] = float32(weight)
			c.Bias[tag] -= float64(float32(weight)) * s.mean[j]
		}
	}
	return c
}

// Scores appends the score of each tag for a feature, which is changed. A score is
// about 1 where the tag fits and about the tag's share where nothing speaks for it.
func (c *Channel) Scores(into []float64, feature []float32) ([]float64, error) {
	width := len(c.Weights) / len(c.Tags)
	if len(feature) != width {
		return nil, fmt.Errorf("the feature has %d values, the channel was learned from %d: learn again", len(feature), width)
	}
	feature = prepare(feature, c.Plain)
	for tag, bias := range c.Bias {
		score := bias + blas32.DDot(vector(c.Weights[tag*width:(tag+1)*width]), vector(feature))
		if math.IsNaN(score) || math.IsInf(score, 0) {
			return nil, fmt.Errorf("the score of tag %q %w", c.Tags[tag], ErrNotFinite)
		}
		into = append(into, score)
	}
	return into, nil
}

func vector(values []float32) blas32.Vector {
	return blas32.Vector{N: len(values), Inc: 1, Data: values}
}

// factorise replaces the upper triangle by its Cholesky factor.
func factorise(matrix blas64.Symmetric, lambda float64) (blas64.Triangular, error) {
	for i := range matrix.N {
		matrix.Data[i*matrix.Stride+i] += lambda
	}
	factor, ok := lapack64.Potrf(matrix)
	if !ok {
		return factor, fmt.Errorf("the equations cannot be solved with lambda %v: take a larger one", lambda)
	}
	return factor, nil
}
