package bundle

import (
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// limit bounds every size in a manifest: far above any encoder, far below what
// would overflow or exhaust memory.
const limit = 1 << 16

// FeatureType is the name of the stored form of features: for each part a
// float32 scale, little-endian, then for each part its int8 values.
func FeatureType(widths []int) string {
	name := "int8-parts"
	for _, width := range widths {
		name += fmt.Sprintf("-%d", width)
	}
	return name
}

// Validate reports the first field that is missing or out of range, by its name.
func (m *Manifest) Validate() error {
	if m.Format != FormatVersion {
		return fmt.Errorf("format is %d; this version of vsed reads %d", m.Format, FormatVersion)
	}
	checks := check{}
	checks.text("name", m.Name)
	checks.text("version", m.Version)
	checks.text("licence", m.Licence)
	for i, source := range m.Sources {
		checks.text(fmt.Sprintf("sources[%d].name", i), source.Name)
		checks.text(fmt.Sprintf("sources[%d].licence", i), source.Licence)
	}
	m.checkFiles(&checks)
	m.checkSides(&checks)
	m.checkVector(&checks)
	m.checkFeatures(&checks)
	checks.oneOf("precision", m.Precision, "float32", "float16", "int8")
	checks.file("golden", m.Golden, m.Files)
	checks.require("score.match_floor", m.Score.MatchFloor >= -1 && m.Score.MatchFloor <= 1, "is %v, not from -1 to 1", m.Score.MatchFloor)
	return checks.first
}

func (m *Manifest) checkFiles(checks *check) {
	checks.require("files", len(m.Files) > 0, "is missing")
	seen := map[string]bool{}
	for i, file := range m.Files {
		name := fmt.Sprintf("files[%d]", i)
		checks.require(name+".path", filepath.IsLocal(file.Path) && file.Path != ManifestName, "is %q, not a file inside the bundle", file.Path)
		checks.require(name+".path", !seen[file.Path], "is %q for the second time", file.Path)
		digest, err := hex.DecodeString(file.SHA256)
		checks.require(name+".sha256", err == nil && len(digest) == 32, "is %q, not 64 hexadecimal digits", file.SHA256)
		checks.require(name+".bytes", file.Bytes >= 0, "is %d", file.Bytes)
		seen[file.Path] = true
	}
}

func (m *Manifest) checkSides(checks *check) {
	checks.file("picture.file", m.Picture.File, m.Files)
	checks.size("picture.width", m.Picture.Width)
	checks.size("picture.height", m.Picture.Height)
	checks.oneOf("picture.fit", m.Picture.Fit, "squash", "crop", "pad")
	checks.oneOf("picture.kernel", m.Picture.Kernel, "linear", "cubic", "lanczos3")
	checks.oneOf("picture.layout", m.Picture.Layout, "NHWC")
	checks.size("picture.batch", m.Picture.Batch)
	checks.file("text.file", m.Text.File, m.Files)
	checks.size("text.context", m.Text.Context)
	checks.oneOf("text.tokenizer.kind", m.Text.Tokenizer.Kind, "wordpiece")
	checks.file("text.tokenizer.vocabulary", m.Text.Tokenizer.Vocabulary, m.Files)
	checks.oneOf("text.pooling", m.Text.Pooling, "mean")
	if m.Projection.Picture != "" {
		checks.file("projection.picture", m.Projection.Picture, m.Files)
	}
	if m.Projection.Text != "" {
		checks.file("projection.text", m.Projection.Text, m.Files)
	}
}

func (m *Manifest) checkVector(checks *check) {
	checks.require("vector", len(m.Vector) > 0, "is missing")
	for i, part := range m.Vector {
		name := fmt.Sprintf("vector[%d]", i)
		checks.text(name+".name", part.Name)
		checks.size(name+".dimensions", part.Dimensions)
		checks.require(name+".weight", part.Weight > 0 && !math.IsInf(part.Weight, 0), "is %v, not above 0", part.Weight)
	}
	checks.require("vector", m.Dimensions() <= limit, "has %d dimensions, more than %d", m.Dimensions(), limit)
}

func (m *Manifest) checkFeatures(checks *check) {
	if m.Features == nil {
		checks.require("features", m.Projection.Picture == "", "is missing: there is a projection")
		return
	}
	checks.require("features.parts", len(m.Features.Parts) > 0, "is missing")
	for i, part := range m.Features.Parts {
		checks.text(fmt.Sprintf("features.parts[%d].name", i), part.Name)
		checks.size(fmt.Sprintf("features.parts[%d].width", i), part.Width)
	}
	checks.oneOf("features.type", m.Features.Type, FeatureType(m.Widths()))
	checks.require("projection.picture", m.Projection.Picture != "", "is missing: there are features")
}

// check collects the first field that is wrong.
type check struct{ first error }

func (c *check) require(field string, ok bool, format string, arguments ...any) {
	if !ok && c.first == nil {
		c.first = fmt.Errorf("%s "+format, append([]any{field}, arguments...)...)
	}
}

func (c *check) text(field, value string) {
	c.require(field, strings.TrimSpace(value) != "", "is missing")
}

func (c *check) size(field string, value int) {
	c.require(field, value != 0, "is missing")
	c.require(field, value > 0 && value <= limit, "is %d, not from 1 to %d", value, limit)
}

func (c *check) oneOf(field, value string, choices ...string) {
	c.text(field, value)
	c.require(field, slices.Contains(choices, value), "is %q, not %s", value, strings.Join(choices, " or "))
}

func (c *check) file(field, value string, files []File) {
	c.text(field, value)
	listed := slices.ContainsFunc(files, func(f File) bool { return f.Path == value })
	c.require(field, listed, "is %q, which is not among the files", value)
}
