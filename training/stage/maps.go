package stage

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"vsed/encoders/runtime"
	"vsed/index/evaluate"
	"vsed/training/model"
)

// NewMaps are heads that leave the vectors of an encoder as they are.
func NewMaps(width int) Heads {
	return Heads{model.NewMap("picture", width), model.NewMap("sentence", width)}
}

// MapsOf is how maps on a frozen encoder's vectors are learned, of which no captioned
// pictures are there: chosen by the development photos of Corel5k and Flickr8k, with the
// built-in encoder's vectors as if they were all that is known of it. Encoders differ in
// how far cosines of pictures and sentences lie apart: the temperature goes with that.
func MapsOf(pictures, sentences [][]float32) Two {
	var cosines []float64
	for i := 0; i < len(pictures); i += 1 + len(pictures)/mostAsked {
		for _, sentence := range sentences {
			cosines = append(cosines, dot(pictures[i], sentence))
		}
	}
	mean, squares := evaluate.Mean(cosines), 0.
	for _, cosine := range cosines {
		squares += (cosine - mean) * (cosine - mean)
	}
	return Two{
		Rates:  Rates{Rate: 3e-4, WarmUp: .1, Noise: .3, Threads: 2},
		Epochs: 25, LeastSteps: 200, Batch: 128, Vocabulary: 1, Distilled: 10,
		Temperature: max(leastTemperature, math.Sqrt(squares/float64(len(cosines)))/2),
	}
}

const (
	mostAsked        = 200 // pictures tell how far cosines lie apart
	leastTemperature = 1e-3
)

func dot(a, b []float32) float64 {
	return blas32.DDot(blas32.Vector{N: len(a), Inc: 1, Data: a}, blas32.Vector{N: len(b), Inc: 1, Data: b})
}

// LeastLikeness is what maps have to keep. With the built-in encoder's vectors Flickr8k's
// captions found none to .7 % less of their photos first where it was .996, .5 to 1.3 where
// it was .993; and it is nearly the same over 25 photos held out as over 250.
const LeastLikeness = .996

// A Held is vectors of pictures that maps have not learned from, and the maps.
type Held struct {
	Maps     Heads
	Pictures [][]float32
}

// LeastKept is how much of what vectors were stays (WiSE-FT): as little as lets
// sentences that nothing was learned from find the pictures held out nearly as alike as
// before. All of it, 1, is nothing learned.
func LeastKept(ctx context.Context, library *runtime.Library, threads int, held []Held, sentences [][]float32) (kept, likeness float64, err error) {
	if len(held) == 0 || len(sentences) == 0 {
		return 1, 1, errors.New("there is nothing to ask what maps keep")
	}
	before := make([][][]float64, len(held))
	for i, each := range held {
		if before[i], err = NewMaps(each.Maps.Picture.Inputs).Cosines(ctx, library, threads, each.Pictures, sentences); err != nil {
			return 1, 1, err
		}
	}
	for kept = 0.; kept < 1; kept = math.Round(10*(kept+keptStep)) / 10 {
		var found []float64
		for i, each := range held {
			mixed := each.Maps.Clone()
			mixed.Blend(NewMaps(mixed.Picture.Inputs), kept)
			after, err := mixed.Cosines(ctx, library, threads, each.Pictures, sentences)
			if err != nil {
				return 1, 1, err
			}
			found = append(found, slices.Repeat([]float64{Likeness(before[i], after)}, len(each.Pictures))...)
		}
		if likeness = evaluate.Mean(found); likeness >= LeastLikeness {
			return kept, likeness, nil
		}
	}
	return 1, 1, nil
}
