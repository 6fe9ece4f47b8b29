package decoder

import (
	"math"
	"slices"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

const (
	hashSide  = 32 // pixels of the picture that is hashed
	hashWaves = 8  // frequencies of each direction that count

	// leastWave is about what compression adds to a frequency. Without it, the bits
	// of smooth pictures would be those of chance.
	leastWave = 64
)

// perceptualHash tells of each of the 64 lowest frequencies of the upright
// picture's brightness, the mean left out, whether it is stronger than their
// median and than noise. Scaling, compression and small changes of tone leave nearly all as they
// are. A picture without any structure has the hash 0.
func perceptualHash(image *vips.Image) (uint64, error) {
	pixels, err := renderPicture(image, &contract.PictureFormat{Width: hashSide, Height: hashSide, Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_LINEAR})
	if err != nil {
		return 0, err
	}
	waves := lowWaves(brightness(pixels))
	sorted := slices.Sorted(slices.Values(waves[:]))
	threshold := max(leastWave, sorted[len(sorted)/2])
	var hash uint64
	for i, strength := range waves {
		if strength > threshold {
			hash |= 1 << i
		}
	}
	return hash, nil
}

// brightness takes ITU-R BT.601's weights.
func brightness(pixels []byte) *[hashSide][hashSide]float64 {
	var grey [hashSide][hashSide]float64
	for i := range hashSide * hashSide {
		red, green, blue := float64(pixels[3*i]), float64(pixels[3*i+1]), float64(pixels[3*i+2])
		grey[i/hashSide][i%hashSide] = 0.299*red + 0.587*green + 0.114*blue
	}
	return &grey
}

// lowWaves is the discrete cosine transform, frequencies 1 to hashWaves each way.
func lowWaves(grey *[hashSide][hashSide]float64) (waves [hashWaves * hashWaves]float64) {
	var rows [hashSide][hashWaves]float64
	for y := range hashSide {
		for wave := range hashWaves {
			for x := range hashSide {
				rows[y][wave] += grey[y][x] * cosines[wave+1][x]
			}
		}
	}
	for vertical := range hashWaves {
		for horizontal := range hashWaves {
			sum := 0.0
			for y := range hashSide {
				sum += rows[y][horizontal] * cosines[vertical+1][y]
			}
			waves[vertical*hashWaves+horizontal] = sum
		}
	}
	return waves
}

var cosines = func() (table [hashWaves + 1][hashSide]float64) {
	for wave := range table {
		for position := range hashSide {
			table[wave][position] = math.Cos(math.Pi * float64(wave) * (float64(position) + 0.5) / hashSide)
		}
	}
	return table
}()
