package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Space identifies all that changes a vector: two bundles with one space give
// the same vectors, and vectors of two spaces are never compared. A new name,
// licence, calibration, batch or file name keeps the space.
func (m *Manifest) Space() string {
	picture, text, projection := m.Picture, m.Text, m.Projection
	picture.Graph, picture.Batch, picture.Profile = m.content(picture.Graph), 0, nil
	text.Graph, text.CPUOnly = m.content(text.Graph), false
	for _, file := range []*string{
		&text.Tokenizer.Vocabulary, &text.Tokenizer.File, &text.Tokenizer.Config, &projection.Picture, &projection.Text,
	} {
		*file = m.sum(*file)
	}
	facts, err := json.Marshal(struct {
		Picture    Picture
		Text       Text
		Projection Projection
		Vector     []VectorPart
		Features   *Features
	}{picture, text, projection, m.Vector, m.Features})
	if err != nil {
		panic(err) // numbers and texts alone, and Validate refuses NaN
	}
	sum := sha256.Sum256(facts)
	return hex.EncodeToString(sum[:16])
}

// content is a graph with digests in place of names.
func (m *Manifest) content(graph Graph) Graph {
	sums := Graph{File: m.sum(graph.File)}
	for _, weights := range graph.Weights {
		sums.Weights = append(sums.Weights, m.sum(weights))
	}
	return sums
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
