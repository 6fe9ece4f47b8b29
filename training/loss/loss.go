// Package loss holds the losses by which pictures and sentences are drawn together,
// as parts of a graph. Each takes the scores of a batch, a matrix with a row a
// picture and a column a sentence whose diagonal are the pairs, and a mask of the
// same sides that says which column may stand as a wrong answer for which row, and
// the other way round: not the diagonal, and not another sentence of the same picture.
// It knows no model and no data.
package loss

import (
	"math"

	"vsed/training/graph"
)

// SumOfHinges is VSE's loss: all wrong answers that come within a margin of the right
// one, by how much, in both directions, summed over the batch.
func SumOfHinges(g *graph.Graph, scores, negatives *graph.Value, margin float64) *graph.Value {
	var both []*graph.Value
	for axis := range 2 {
		both = append(both, g.Sum(g.Relu(excess(g, scores, negatives, margin, axis))))
	}
	return g.Add(both[0], both[1])
}

// MaxOfHinges is VSE++'s: only the worst of the wrong answers counts. From scratch it
// collapses to twice the margin: see Hinges.
func MaxOfHinges(g *graph.Graph, scores, negatives *graph.Value, margin float64) *graph.Value {
	return g.Add(g.Sum(worst(g, scores, negatives, margin, 0)), g.Sum(worst(g, scores, negatives, margin, 1)))
}

// Hinges goes from the sum to the maximum: hardness, an input of one number, is 0 for
// the sum alone and 1 for the maximum alone. So one graph serves the warm-up too.
func Hinges(g *graph.Graph, scores, negatives, hardness *graph.Value, margin float64) *graph.Value {
	sum := SumOfHinges(g, scores, negatives, margin)
	return g.Add(sum, g.Mul(hardness, g.Sub(MaxOfHinges(g, scores, negatives, margin), sum)))
}

// Weighted is the weighted ranking loss: each hinge of MaxOfHinges times
// 1 + β/(N − r + 1), where r is the rank of the right answer among N, itself and those
// that may stand as wrong ones; so a pair counts the more the worse it ranks. No
// gradient passes through the weight.
func Weighted(g *graph.Graph, scores, negatives *graph.Value, margin, beta float64) *graph.Value {
	var both []*graph.Value
	for axis := range 2 {
		wrong := g.Numbers(negatives)
		above := g.Numbers(g.Greater(excess(g, scores, negatives, 0, axis), g.Constant([]float64{0})))
		below := g.Sub(g.Sum(wrong, 1-axis), g.Sum(above, 1-axis)) // N − r
		weight := g.Shift(g.Div(g.Constant([]float64{beta}), g.Shift(below, 1)), 1)
		both = append(both, g.Sum(g.Mul(weight, worst(g, scores, negatives, margin, axis))))
	}
	return g.Add(both[0], both[1])
}

// Contrastive is the symmetric cross-entropy of finding the right answer among the
// wrong ones, the mean over pairs and both directions. The scores are taken as they
// are: multiply them by the inverse temperature before.
func Contrastive(g *graph.Graph, scores, negatives *graph.Value) *graph.Value {
	side := scores.Sides()[0]
	candidates := g.Only(g.Either(negatives, g.Own(side)), scores, math.Inf(-1))
	own := g.Diagonal(scores)
	towards := g.Sub(g.LogSumExp(candidates, 1), own)
	back := g.Sub(g.LogSumExp(candidates, 0), g.Reshape(own, 1, side))
	return g.Scale(g.Add(g.Mean(towards), g.Mean(back)), 0.5)
}

// excess is by how much a wrong answer, made worse by a margin, beats the right one;
// −∞ where there is none. Axis 0 asks with the rows, axis 1 with the columns.
func excess(g *graph.Graph, scores, negatives *graph.Value, margin float64, axis int) *graph.Value {
	side := scores.Sides()[0]
	own := g.Diagonal(scores)
	if axis == 1 {
		own = g.Reshape(own, 1, side)
	}
	return g.Only(negatives, g.Sub(g.Shift(scores, margin), own), math.Inf(-1))
}

// worst is the largest hinge of each query.
func worst(g *graph.Graph, scores, negatives *graph.Value, margin float64, axis int) *graph.Value {
	return g.Relu(g.Max(excess(g, scores, negatives, margin, axis), 1-axis))
}
