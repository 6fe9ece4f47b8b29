package builtin

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// goldenTexts cover what a tokenizer can get wrong: accents, capitals, emoji,
// Chinese, more than the context holds, and nothing.
func goldenTexts() []string {
	long := ""
	for range 100 {
		long += "a dog runs along the beach, "
	}
	return []string{"dog on beach", "A Siberian Husky in the SNOW!", "café at night in Zürich", "🐶 狗", long, ""}
}

// goldenPictures is how many synthetic pictures a bundle carries.
const goldenPictures = 6

// syntheticPicture draws smooth colours, waves and discs from a seed, so that no
// photo of anybody has to be in a bundle.
func syntheticPicture(seed uint64) *image.NRGBA {
	random := rand.New(rand.NewPCG(seed, 1))
	waves, discs := make([]wave, 4), make([]disc, 5)
	for i := range waves {
		waves[i] = wave{random.Float64() * 30, random.Float64() * 30, random.Float64() * 6, randomColour(random)}
	}
	for i := range discs {
		discs[i] = disc{random.Float64(), random.Float64(), random.Float64() * 0.25, randomColour(random)}
	}
	picture := image.NewNRGBA(image.Rect(0, 0, Side, Side))
	for y := range Side {
		for x := range Side {
			picture.SetNRGBA(x, y, colourAt(float64(x)/Side, float64(y)/Side, waves, discs))
		}
	}
	return picture
}

type wave struct {
	x, y, phase float64
	colour      [3]float64
}

type disc struct {
	x, y, radius float64
	colour       [3]float64
}

func randomColour(random *rand.Rand) [3]float64 {
	return [3]float64{random.Float64(), random.Float64(), random.Float64()}
}

func colourAt(x, y float64, waves []wave, discs []disc) color.NRGBA {
	var sum [3]float64
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
	return color.NRGBA{uint8(255 * sum[0]), uint8(255 * sum[1]), uint8(255 * sum[2]), 255}
}

func writePNG(folder, name string, picture image.Image) error {
	file, err := os.Create(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	if err := png.Encode(file, picture); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// pixels are uint8 RGB, row by row, as the picture graph takes them.
func pixels(picture image.Image) []byte {
	bounds := picture.Bounds()
	bytes := make([]byte, 0, bounds.Dx()*bounds.Dy()*3)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			bytes = append(bytes, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return bytes
}
