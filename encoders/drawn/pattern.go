package drawn

import (
	"image"
	"math"
	"math/rand/v2"
)

// Pattern draws smooth colours, waves and discs from a seed.
func Pattern(seed uint64, width, height int) *image.NRGBA {
	random := rand.New(rand.NewPCG(seed, 1))
	waves, discs := make([]wave, 4), make([]disc, 5)
	for i := range waves {
		waves[i] = wave{random.Float64() * 30, random.Float64() * 30, random.Float64() * 6, randomColour(random)}
	}
	for i := range discs {
		discs[i] = disc{random.Float64(), random.Float64(), random.Float64() * 0.25, randomColour(random)}
	}
	return draw(width, height, func(x, y float64) colour { return patternAt(x, y, waves, discs) })
}

type wave struct {
	x, y, phase float64
	colour      colour
}

type disc struct {
	x, y, radius float64
	colour       colour
}

func randomColour(random *rand.Rand) colour {
	return colour{random.Float64(), random.Float64(), random.Float64()}
}

func patternAt(x, y float64, waves []wave, discs []disc) (sum colour) {
	for _, each := range waves {
		height := (1 + math.Sin(each.x*x+each.y*y+each.phase)) / 2 / float64(len(waves))
		for i := range sum {
			sum[i] += height * each.colour[i]
		}
	}
	for _, each := range discs {
		if math.Hypot(x-each.x, y-each.y) < each.radius {
			sum = each.colour
		}
	}
	return sum
}
