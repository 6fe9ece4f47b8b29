package bundle

import (
	"fmt"
	"image"
	"image/png"
	"os"
)

// Golden holds inputs and the vectors that the encoder gave for them when the
// bundle was made: an encoder that gives others, on another machine or with
// another library, must not write into the same space.
type Golden struct {
	// Tolerance is the least cosine to a vector below.
	Tolerance float64         `json:"tolerance"`
	Texts     []GoldenText    `json:"texts"`
	Pictures  []GoldenPicture `json:"pictures"`
	Pairs     []GoldenPair    `json:"pairs"`
}

// GoldenText is a sentence and its vector.
type GoldenText struct {
	Text   string    `json:"text"`
	Vector []float32 `json:"vector"`
}

// GoldenPicture is a PNG of the bundle, of the picture graph's size, and its vector.
type GoldenPicture struct {
	File   string    `json:"file"`
	Vector []float32 `json:"vector"`
}

// GoldenPair names, by their positions, a picture and the text that describes it;
// no other pair's text does.
type GoldenPair struct {
	Picture int `json:"picture"`
	Text    int `json:"text"`
}

// ReadGolden reads the bundle's golden inputs and vectors.
func (b *Bundle) ReadGolden() (*Golden, error) {
	data, err := os.ReadFile(b.Path(b.Golden))
	if err != nil {
		return nil, fmt.Errorf("golden vectors: %w", err)
	}
	golden := &Golden{}
	if err := decodeStrict(data, golden); err != nil {
		return nil, fmt.Errorf("golden vectors %s: %w", b.Golden, err)
	}
	if err := golden.check(b.Manifest); err != nil {
		return nil, fmt.Errorf("golden vectors %s: %w", b.Golden, err)
	}
	return golden, nil
}

func (g *Golden) check(manifest Manifest) error {
	checks := check{}
	checks.require("tolerance", g.Tolerance > 0 && g.Tolerance <= 1, "is %v, not above 0 and at most 1", g.Tolerance)
	for i, text := range g.Texts {
		checks.vector(fmt.Sprintf("texts[%d].vector", i), text.Vector, manifest.Dimensions())
	}
	for i, picture := range g.Pictures {
		checks.file(fmt.Sprintf("pictures[%d].file", i), picture.File, manifest.Files)
		checks.vector(fmt.Sprintf("pictures[%d].vector", i), picture.Vector, manifest.Dimensions())
	}
	for i, pair := range g.Pairs {
		checks.require(fmt.Sprintf("pairs[%d].picture", i), pair.Picture >= 0 && pair.Picture < len(g.Pictures), "is %d, which does not exist", pair.Picture)
		checks.require(fmt.Sprintf("pairs[%d].text", i), pair.Text >= 0 && pair.Text < len(g.Texts), "is %d, which does not exist", pair.Text)
	}
	return checks.first
}

func (c *check) vector(field string, values []float32, dimensions int) {
	c.require(field, len(values) == dimensions, "has %d dimensions, not %d", len(values), dimensions)
}

// Pixels reads a golden picture: uint8 RGB, row by row, of the picture graph's size.
func (b *Bundle) Pixels(picture GoldenPicture) ([]byte, error) {
	file, err := os.Open(b.Path(picture.File))
	if err != nil {
		return nil, fmt.Errorf("golden picture: %w", err)
	}
	defer file.Close()
	decoded, err := png.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("golden picture %s: %w", picture.File, err)
	}
	if size := decoded.Bounds().Size(); size.X != b.Picture.Width || size.Y != b.Picture.Height {
		return nil, fmt.Errorf("golden picture %s is %v, not %d×%d", picture.File, size, b.Picture.Width, b.Picture.Height)
	}
	return RGB(decoded), nil
}

// RGB gives a picture's pixels as the graphs take them: uint8, row by row.
func RGB(picture image.Image) []byte {
	bounds := picture.Bounds()
	pixels := make([]byte, 0, bounds.Dx()*bounds.Dy()*3)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			pixels = append(pixels, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return pixels
}
