package decoder

import (
	"math"
	"math/bits"
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

	// leastTelling is how many bits of a hash must be set for it to tell pictures
	// apart. Of a small subject on a plain ground only what the ground does is
	// stronger than noise: 5 to 11 bits, of which two strangers' differ in three. Of
	// other photos 24 to 31 are set, and never more, as half lie below the median.
	leastTelling = 20
)

// hashPhoto takes the hash from a picture that shows all of the photo, where one
// was asked: it is smaller than what it was made from.
func hashPhoto(image *vips.Image, request *contract.DecodeRequest, response *contract.DecodeResponse) (uint64, error) {
	for i, picture := range request.GetPictures() {
		if picture.GetFit() == contract.Fit_FIT_SQUASH && min(picture.GetWidth(), picture.GetHeight()) >= 4*hashSide {
			return perceptualHash(brightness(response.Pictures[i], size{int(picture.GetWidth()), int(picture.GetHeight())}, 1)), nil
		}
	}
	pixels, err := image.Pixels()
	if err != nil {
		return 0, verdict(err)
	}
	return perceptualHash(brightness(pixels, size{image.Width(), image.Height()}, image.Orientation())), nil
}

// grid is a small grey picture, by rows.
type grid [hashSide][hashSide]float64

// perceptualHash tells of each of the 64 lowest frequencies of the upright
// picture's brightness, the mean left out, whether it is stronger than their
// median and than noise. Scaling, compression and small changes of tone leave
// nearly all as they are. A picture without structure, or with too little to tell
// it from others, has the hash 0, by which nothing is grouped.
func perceptualHash(grey *grid) (hash uint64) {
	waves := lowWaves(grey)
	sorted := slices.Sorted(slices.Values(waves[:]))
	threshold := max(leastWave, sorted[len(sorted)/2])
	for i, strength := range waves {
		if strength > threshold {
			hash |= 1 << i
		}
	}
	if bits.OnesCount64(hash) < leastTelling {
		return 0
	}
	return hash
}

// brightness is the mean of each of 32 × 32 parts of the picture, upright, by ITU-R
// BT.601's weights. By hand: libvips takes 1.5 ms to set its threads up.
func brightness(pixels []byte, full size, orientation int) *grid {
	columns, rows := parts(full.width), parts(full.height)
	var stored, upright grid
	for y := range full.height {
		var line [hashSide]float64
		row := pixels[3*y*full.width : 3*(y+1)*full.width]
		for x, shares := range columns {
			grey := float64(299*int(row[3*x])+587*int(row[3*x+1])+114*int(row[3*x+2])) / 1000
			for _, share := range shares {
				line[share.part] += grey * share.weight
			}
		}
		for _, share := range rows[y] {
			for column, sum := range line {
				stored[share.part][column] += sum * share.weight
			}
		}
	}
	for y := range hashSide {
		for x := range hashSide {
			toX, toY := turnedUpright(x, y, orientation)
			upright[toY][toX] = stored[y][x]
		}
	}
	return &upright
}

// share is how much of one of 32 equal parts of a side a pixel makes up.
type share struct {
	part   int
	weight float64
}

// parts are the shares of each pixel of a side; those of a part add up to 1.
func parts(side int) [][]share {
	shares := make([][]share, side)
	for pixel := range side {
		start, end := pixel*hashSide, (pixel+1)*hashSide // in 1/side of a part
		for part := start / side; part*side < end; part++ {
			covered := min(end, (part+1)*side) - max(start, part*side)
			shares[pixel] = append(shares[pixel], share{part, float64(covered) / float64(side)})
		}
	}
	return shares
}

// turnedUpright is where a stored square's place comes to lie.
func turnedUpright(x, y, orientation int) (int, int) {
	const last = hashSide - 1
	switch orientation {
	case 2:
		return last - x, y
	case 3:
		return last - x, last - y
	case 4:
		return x, last - y
	case 5:
		return y, x
	case 6:
		return last - y, x
	case 7:
		return last - y, last - x
	case 8:
		return y, last - x
	}
	return x, y
}

// lowWaves is the discrete cosine transform, frequencies 1 to hashWaves each way.
func lowWaves(grey *grid) (waves [hashWaves * hashWaves]float64) {
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
