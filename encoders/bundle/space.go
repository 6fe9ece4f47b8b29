package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Space identifies all that changes a vector or a learned tag: two bundles with one
// space give the same, and vectors of two spaces are never compared. A new name,
// licence, calibration, batch or file name keeps the space, as does what a trainer
// begins from.
func (m *Manifest) Space() string {
	picture, text := m.towers()
	projection := Projection{Picture: m.sum(m.Projection.Picture), Text: m.sum(m.Projection.Text)}
	return identity(struct {
		Picture    Picture
		Text       Text
		Projection Projection
		Vector     []VectorPart
		Features   *Features
		Tags       *Tags `json:",omitempty"` // so that a bundle without keeps the space that it had before there were any
	}{picture, text, projection, m.Vector, m.Features, m.tagsContent()})
}

// FeatureSpace identifies all that changes a feature, of a picture or of a
// sentence: bundles that differ in their projections alone have the same, so that
// learned heads leave stored features valid.
func (m *Manifest) FeatureSpace() string {
	picture, text := m.towers()
	return identity(struct {
		Picture  Picture
		Text     Text
		Features *Features
	}{picture, text, m.Features})
}

// towers are the two sides with digests in place of names, and without what
// changes speed alone.
func (m *Manifest) towers() (Picture, Text) {
	picture, text := m.Picture, m.Text
	picture.Graph, picture.Batch, picture.Profile = m.content(picture.Graph), 0, nil
	text.Graph, text.CPUOnly = m.content(text.Graph), false
	for _, file := range []*string{&text.Tokenizer.Vocabulary, &text.Tokenizer.File, &text.Tokenizer.Config} {
		*file = m.sum(*file)
	}
	return picture, text
}

func identity(facts any) string {
	written, err := json.Marshal(facts)
	if err != nil {
		panic(err) // numbers and texts alone, and Validate refuses NaN
	}
	sum := sha256.Sum256(written)
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

// tagsContent is the learned tags with digests in place of names; nil without any.
func (m *Manifest) tagsContent() *Tags {
	if m.Tags == nil {
		return nil
	}
	return &Tags{Graph: m.sum(m.Tags.Graph), Names: m.sum(m.Tags.Names)}
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
