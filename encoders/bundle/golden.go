package bundle

import (
	"encoding/json"
	"fmt"
	"os"
)

// Golden holds inputs and the vectors that the encoder gave for them when the
// bundle was made: an encoder that gives others, on another machine or with
// another library, must not write into the same space.
type Golden struct {
	Texts    []GoldenText    `json:"texts"`
	Pictures []GoldenPicture `json:"pictures"`
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

// ReadGolden reads the bundle's golden inputs and vectors.
func (b *Bundle) ReadGolden() (*Golden, error) {
	data, err := os.ReadFile(b.Path(b.Golden))
	if err != nil {
		return nil, fmt.Errorf("golden vectors: %w", err)
	}
	golden := &Golden{}
	if err := json.Unmarshal(data, golden); err != nil {
		return nil, fmt.Errorf("golden vectors %s: %w", b.Golden, err)
	}
	for i, text := range golden.Texts {
		if len(text.Vector) != b.Dimensions() {
			return nil, fmt.Errorf("golden vectors %s: text %d has %d dimensions, not %d", b.Golden, i, len(text.Vector), b.Dimensions())
		}
	}
	for i, picture := range golden.Pictures {
		if len(picture.Vector) != b.Dimensions() {
			return nil, fmt.Errorf("golden vectors %s: picture %d has %d dimensions, not %d", b.Golden, i, len(picture.Vector), b.Dimensions())
		}
	}
	return golden, nil
}
