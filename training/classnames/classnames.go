// Package classnames takes vectors apart in which class names stand beside heads: what
// class names say of a photo, and how much they weigh for a sentence. It asks the
// vectors themselves, so that what judges other heads weighs as the encoder does. What
// becomes of the parts is not its business.
package classnames

import (
	"math"

	"gonum.org/v1/gonum/blas/blas32"

	"vsed/encoders/bundle"
	"vsed/encoders/headgraph"
)

// A Part is where the class names stand in the vectors of an encoder.
type Part struct {
	from, to int
	weight   float64
}

// Find tells false of an encoder whose vectors have no class names beside heads.
func Find(parts []bundle.VectorPart) (found Part, ok bool) {
	for _, part := range parts {
		found.from, found.to = found.to, found.to+part.Dimensions
		if part.Name == headgraph.ClassNames {
			found.weight = part.Weight
			return found, found.from > 0
		}
	}
	return Part{}, false
}

// Of is what a photo's vector has of class names, of unit length.
func (p Part) Of(photo []float32) []float32 {
	row := make([]float32, p.to-p.from)
	blas32.Axpy(1/length(photo[p.from:p.to]), vector(photo[p.from:p.to]), vector(row))
	return row
}

// Emphasis is how much more the class names weigh for a sentence than the encoder's
// weight of them says, by the sentence's vector.
func (p Part) Emphasis(sentence []float32) float64 {
	names := float64(length(sentence[p.from:p.to]))
	others := math.Hypot(float64(length(sentence[:p.from])), float64(length(sentence[p.to:])))
	return names / others / p.weight
}

func length(values []float32) float32 { return blas32.Nrm2(vector(values)) }

func vector(values []float32) blas32.Vector {
	return blas32.Vector{N: len(values), Inc: 1, Data: values}
}
