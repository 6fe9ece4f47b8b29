package golden

import (
	"context"
	"math"
	"slices"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
)

// background are searches for things that no golden picture shows, of the length
// and kind that people type.
func background() []string {
	return []string{
		"dog", "beach", "birthday party", "mountains in winter", "a child on a bicycle", "wedding dress", "sunset over the sea",
		"group photo at a table", "cat on a sofa", "football match", "church", "tomatoes at a market", "train at a station",
		"two women laughing", "flowers", "receipt", "swimming pool", "horse", "fireworks", "people in the rain", "boat on a lake",
		"baby asleep", "cake with candles", "old castle", "forest path in autumn", "aeroplane wing", "guitar", "snowman",
		"passport", "hospital", "elephant", "x-ray of a broken arm",
	}
}

// floorQuantile is the share of background scores below the floor.
const floorQuantile = 0.95

// matchFloor is the cosine that only one in twenty sentences reaches with a
// picture that it says nothing of. It is a start: it cannot see how near the
// encoder puts a sentence to a photo that it does describe, which takes a library
// of described photos to measure.
func matchFloor(ctx context.Context, encode *encoder.Encoder, inputs *bundle.Golden) (float64, error) {
	var scores []float64
	for _, sentence := range background() {
		vector, err := textVector(ctx, encode, sentence)
		if err != nil {
			return 0, err
		}
		for _, picture := range inputs.Pictures {
			scores = append(scores, cosine(picture.Vector, vector))
		}
	}
	slices.Sort(scores)
	return math.Round(1000*scores[int(floorQuantile*float64(len(scores)-1))]) / 1000, nil
}
