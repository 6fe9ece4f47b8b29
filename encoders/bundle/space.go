package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Space identifies all that changes a vector: two bundles with one space give
// the same vectors, and vectors of two spaces are never compared. A new name,
// licence, calibration or file name keeps the space.
func (m *Manifest) Space() string {
	picture, text, projection := m.Picture, m.Text, m.Projection
	picture.File, picture.Batch = m.sum(picture.File), 0
	text.File, text.Tokenizer.Vocabulary = m.sum(text.File), m.sum(text.Tokenizer.Vocabulary)
	projection = Projection{m.sum(projection.Picture), m.sum(projection.Text)}
	facts, err := json.Marshal(struct {
		Picture    Picture
		Text       Text
		Projection Projection
		Vector     []VectorPart
		Features   *Features
		Precision  string
	}{picture, text, projection, m.Vector, m.Features, m.Precision})
	if err != nil {
		panic(err) // numbers and texts alone, and Validate refuses NaN
	}
	sum := sha256.Sum256(facts)
	return hex.EncodeToString(sum[:16])
}

// sum is the digest of a listed file; empty for the name of no file.
func (m *Manifest) sum(path string) string {
	for _, file := range m.Files {
		if file.Path == path {
			return strings.ToLower(file.SHA256)
		}
	}
	return ""
}
