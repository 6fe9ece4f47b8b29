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
// float32 scale, little-endian, then for each part its int8 values. Parts of one width
// that follow each other are counted: 16x32.
func FeatureType(widths []int) string {
	name := "int8-parts"
	for begin := 0; begin < len(widths); {
		end := begin + 1
		for end < len(widths) && widths[end] == widths[begin] {
			end++
		}
		if name += "-"; end-begin > 1 {
			name += fmt.Sprintf("%dx", end-begin)
		}
		name += fmt.Sprint(widths[begin])
		begin = end
	}
	return name
}

// Validate reports the first field that is missing or out of range, by its name.
func (m *Manifest) Validate() error {
	checks := check{}
	checks.require("format", m.Format == FormatVersion, "is %d, not %d", m.Format, FormatVersion)
	checks.text("name", m.Name)
	checks.text("version", m.Version)
	checks.text("licence", m.Licence)
	m.checkFiles(&checks)
	m.checkPicture(&checks)
	m.checkText(&checks)
	m.checkVector(&checks)
	m.checkFeatures(&checks)
	m.checkLearned(&checks)
	checks.oneOf("precision", m.Precision, "float32", "float16", "int8")
	checks.file("golden", m.Golden, m.Files)
	checks.require("score.match_floor", m.Score.MatchFloor >= -1 && m.Score.MatchFloor <= 1, "is %v, not from -1 to 1", m.Score.MatchFloor)
	return checks.first
}

func (m *Manifest) checkFiles(checks *check) {
	checks.require("sources", len(m.Sources) > 0, "is missing")
	for i, source := range m.Sources {
		name := fmt.Sprintf("sources[%d]", i)
		checks.text(name+".name", source.Name)
		checks.text(name+".version", source.Version)
		checks.text(name+".licence", source.Licence)
		checks.require(name+".sha256", source.SHA256 == "" || isDigest(source.SHA256), "is %q, not 64 hexadecimal digits", source.SHA256)
	}
	checks.require("files", len(m.Files) > 0, "is missing")
	seen := map[string]bool{}
	for i, file := range m.Files {
		name := fmt.Sprintf("files[%d]", i)
		checks.require(name+".path", filepath.IsLocal(file.Path) && file.Path != ManifestName, "is %q, not a file inside the bundle", file.Path)
		checks.require(name+".path", !seen[file.Path], "is %q for the second time", file.Path)
		known := slices.ContainsFunc(m.Sources, func(s Source) bool { return s.Name == file.Source })
		checks.require(name+".source", known, "is %q, which is not among the sources", file.Source)
		checks.require(name+".sha256", isDigest(file.SHA256), "is %q, not 64 hexadecimal digits", file.SHA256)
		checks.require(name+".bytes", file.Bytes >= 0, "is %d", file.Bytes)
		seen[file.Path] = true
	}
}

func isDigest(text string) bool {
	digest, err := hex.DecodeString(text)
	return err == nil && len(digest) == 32
}

func (m *Manifest) checkPicture(checks *check) {
	p := m.Picture
	m.checkGraph(checks, "picture.graph", p.Graph)
	checks.text("picture.input", p.Input)
	checks.text("picture.output", p.Output)
	checks.size("picture.width", p.Width)
	checks.size("picture.height", p.Height)
	checks.oneOf("picture.fit", p.Fit, "squash", "crop", "pad")
	checks.oneOf("picture.kernel", p.Kernel, "linear", "cubic", "lanczos3")
	checks.oneOf("picture.layout", p.Layout, "NCHW", "NHWC")
	checks.oneOf("picture.type", p.Type, "uint8", "float32", "float16")
	checks.channels("picture.mean", p.Mean)
	checks.channels("picture.deviation", p.Deviation)
	checks.require("picture.deviation", (p.Mean == nil) == (p.Deviation == nil), "and picture.mean go together")
	checks.require("picture.mean", p.Mean == nil || p.Type != "uint8", "cannot be taken off an input of uint8")
	for i, value := range p.Deviation {
		checks.require(fmt.Sprintf("picture.deviation[%d]", i), value > 0, "is %v, not above 0", value)
	}
	checks.size("picture.batch", p.Batch)
	if r := p.Profile; r != nil {
		checks.size("picture.profile.least", r.Least)
		checks.require("picture.profile.optimum", r.Optimum >= r.Least, "is %d, below the least %d", r.Optimum, r.Least)
		checks.require("picture.profile.most", r.Most >= r.Optimum, "is %d, below the optimum %d", r.Most, r.Optimum)
		checks.require("picture.profile.most", r.Most <= p.Batch, "is %d, above the batch of %d", r.Most, p.Batch)
	}
}

func (m *Manifest) checkGraph(checks *check, field string, graph Graph) {
	checks.file(field+".file", graph.File, m.Files)
	for i, weights := range graph.Weights {
		checks.file(fmt.Sprintf("%s.weights[%d]", field, i), weights, m.Files)
	}
}

func (m *Manifest) checkText(checks *check) {
	m.checkGraph(checks, "text.graph", m.Text.Graph)
	checks.text("text.tokens", m.Text.Tokens)
	checks.text("text.output", m.Text.Output)
	checks.oneOf("text.type", m.Text.Type, "int32", "int64")
	checks.size("text.context", m.Text.Context)
	m.checkTokenizer(checks)
	checks.oneOf("text.pooling", m.Text.Pooling, "mean", "none")
	if m.Projection.Picture != "" {
		checks.file("projection.picture", m.Projection.Picture, m.Files)
	}
	if m.Projection.Text != "" {
		checks.file("projection.text", m.Projection.Text, m.Files)
	}
}

// checkTokenizer wants what the kind needs, and nothing that another kind has.
func (m *Manifest) checkTokenizer(checks *check) {
	t := m.Text.Tokenizer
	checks.oneOf("text.tokenizer.kind", t.Kind, "wordpiece", "huggingface")
	if t.Kind == "wordpiece" {
		checks.file("text.tokenizer.vocabulary", t.Vocabulary, m.Files)
		checks.require("text.tokenizer.file", t.File == "", "belongs to kind huggingface")
		checks.require("text.tokenizer.config", t.Config == "", "belongs to kind huggingface")
		checks.require("text.tokenizer.canonicalize", !t.Canonicalize, "belongs to kind huggingface")
		checks.require("text.tokenizer.language", t.Language == "", "belongs to kind huggingface")
		checks.require("text.padded", !m.Text.Padded, "is for kind huggingface: a wordpiece vocabulary does not say with what")
		return
	}
	checks.file("text.tokenizer.file", t.File, m.Files)
	if t.Config != "" {
		checks.file("text.tokenizer.config", t.Config, m.Files)
	}
	checks.require("text.tokenizer.vocabulary", t.Vocabulary == "", "belongs to kind wordpiece")
	checks.require("text.tokenizer.lower_case", !t.LowerCase, "belongs to kind wordpiece")
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
	if width := m.FeatureWidth(); m.Projection.Picture == "" {
		checks.require("features.parts", width == m.Dimensions(), "have %d values, a vector %d: without projection.picture a feature is the vector", width, m.Dimensions())
	}
}

func (m *Manifest) checkLearned(checks *check) {
	if m.Learning != nil {
		checks.file("learning.heads", m.Learning.Heads, m.Files)
		if m.Learning.Replay != "" {
			checks.file("learning.replay", m.Learning.Replay, m.Files)
		}
	}
	if m.Tags != nil {
		checks.file("tags.graph", m.Tags.Graph, m.Files)
		checks.file("tags.names", m.Tags.Names, m.Files)
		checks.require("tags", m.Features != nil, "is there without features, which its graph takes")
	}
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

func (c *check) channels(field string, values []float64) {
	c.require(field, values == nil || len(values) == 3, "has %d values, not one a channel", len(values))
}

func (c *check) file(field, value string, files []File) {
	c.text(field, value)
	listed := slices.ContainsFunc(files, func(f File) bool { return f.Path == value })
	c.require(field, listed, "is %q, which is not among the files", value)
}
