// Package bundle reads, checks and writes encoder bundles: a folder with the
// graphs and tables of one encoder and a manifest.json that describes them. It
// runs no graph; what a graph really takes and gives is the runtime's to say.
package bundle

import "fmt"

// FormatVersion is the version of manifest.json that this package reads and writes.
const FormatVersion = 2

// ManifestName is the manifest's file in the bundle's folder.
const ManifestName = "manifest.json"

// Manifest describes an encoder; manifest.schema.json says the same as a JSON
// Schema. Paths are relative to the bundle's folder, with forward slashes.
type Manifest struct {
	// Format is FormatVersion.
	Format int `json:"format"`
	// Name, Version, Licence and Sources are for people.
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Licence string   `json:"licence"`
	Sources []Source `json:"sources"`
	// Files lists every other file of the bundle.
	Files []File `json:"files"`

	Picture Picture `json:"picture"`
	Text    Text    `json:"text"`
	// Projection is absent where both graphs give vectors.
	Projection Projection `json:"projection,omitzero"`
	// Vector is the layout of a vector: parts one after another.
	Vector []VectorPart `json:"vector"`
	// Features is absent where the encoder keeps none.
	Features *Features `json:"features,omitempty"`
	// Learning is absent where nothing can be learned on top of the towers but tags.
	Learning *Learning `json:"learning,omitempty"`
	// Tags is absent where no tags were learned.
	Tags *Tags `json:"tags,omitempty"`
	// Precision that the graphs calculate in: "float32", "float16" or "int8".
	Precision string `json:"precision"`
	// Golden is the file of inputs with their vectors; see Golden.
	Golden string `json:"golden"`
	Score  Score  `json:"score"`
}

// Source is something that files of the bundle were made from.
type Source struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"`
	// SHA256 of what was downloaded, where it was one file; else empty.
	SHA256 string `json:"sha256,omitempty"`
}

// File is a file of the bundle and its SHA-256 in hexadecimal.
type File struct {
	Path   string `json:"path"`
	Source string `json:"source"` // the name of one of Sources
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Graph is an ONNX model: its file, and those that hold its weights where they
// are not in it.
type Graph struct {
	File    string   `json:"file"`
	Weights []string `json:"weights,omitempty"`
}

// Picture says what the picture graph takes and gives.
type Picture struct {
	Graph  Graph  `json:"graph"`
	Input  string `json:"input"`  // name of the graph's one input
	Output string `json:"output"` // name of the output to take
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"` // pixels
	// Fit is "squash", "crop" (shortest side, then the centre) or "pad".
	Fit    string `json:"fit"`
	Kernel string `json:"kernel"` // "linear", "cubic" or "lanczos3"
	// Layout of the input: "NCHW" or "NHWC"; the channels are red, green, blue.
	Layout string `json:"layout"`
	// Type of the input: "uint8", "float32" or "float16".
	Type string `json:"type"`
	// Mean and Deviation of the channels, of pixels from 0 to 1: the input is
	// (pixel - mean) / deviation. Absent, they are folded into the graph, which
	// takes pixels from 0 to 255.
	Mean      []float64 `json:"mean,omitempty"`
	Deviation []float64 `json:"deviation,omitempty"`
	// Batch is the most pictures in one run; the fastest size up to it is found
	// on the device.
	Batch int `json:"batch"`
	// Profile says for which batches an engine is built; absent, for the one
	// that runs.
	Profile *Profile `json:"profile,omitempty"`
}

// Profile is a range of batch sizes and the one to build for.
type Profile struct {
	Least   int `json:"least"`
	Optimum int `json:"optimum"`
	Most    int `json:"most"`
}

// Text says what the text graph takes and gives.
type Text struct {
	Graph  Graph  `json:"graph"`
	Tokens string `json:"tokens"`          // name of the input for piece numbers
	Mask   string `json:"mask,omitempty"`  // name of the input that is 1 for each piece, 0 for filling
	Kinds  string `json:"kinds,omitempty"` // name of the input that is 0 for each piece of the only sentence
	Output string `json:"output"`          // name of the output to take
	Type   string `json:"type"`            // of the inputs: "int32" or "int64"
	// Context is the most pieces of a text; what is beyond is cut off.
	Context int `json:"context"`
	// Padded says that every text is filled up to Context pieces.
	Padded    bool      `json:"padded"`
	Tokenizer Tokenizer `json:"tokenizer"`
	// Pooling turns the output into one vector: "mean" of the pieces' vectors, or
	// "none" where it is one already.
	Pooling string `json:"pooling"`
	// CPUOnly says that the graph gains nothing on another provider, as an int8
	// graph for CPUs does.
	CPUOnly bool `json:"cpu_only,omitempty"`
}

// Tokenizer says how a text becomes piece numbers.
type Tokenizer struct {
	// Kind is "wordpiece", with a Vocabulary, or "huggingface", with a tokenizer.json.
	Kind string `json:"kind"`
	// Vocabulary has one piece a line.
	Vocabulary string `json:"vocabulary,omitempty"`
	// LowerCase also strips accents; wordpiece only.
	LowerCase bool `json:"lower_case,omitempty"`
	// File is a tokenizer.json, Config its tokenizer_config.json.
	File   string `json:"file,omitempty"`
	Config string `json:"config,omitempty"`
	// Canonicalize makes a text lower case and takes out punctuation and runs of
	// spaces before all else; huggingface only.
	Canonicalize bool `json:"canonicalize,omitempty"`
	// Language is the piece that stands before or after a text in place of the
	// tokenizer.json's own language, such as "eng_Latn"; huggingface only.
	Language string `json:"language,omitempty"`
}

// Projection names the graphs that turn features into vectors.
type Projection struct {
	// Picture takes picture features; empty where the picture graph's output, or what is
	// stored of it, is the vector.
	Picture string `json:"picture,omitempty"`
	// Text takes the pooled text; empty where that is the vector.
	Text string `json:"text,omitempty"`
}

// VectorPart is a run of a vector's numbers that come from one source. Each part
// has unit length before it is weighted, and the whole has after.
type VectorPart struct {
	Name       string  `json:"name"`
	Dimensions int     `json:"dimensions"`
	Weight     float64 `json:"weight"`
}

// Features is what is stored of a picture so that it can be projected again.
type Features struct {
	// Type names the stored form: "int8-parts-" and the widths of the parts, equal ones
	// that follow each other counted: 16x32.
	Type  string        `json:"type"`
	Parts []FeaturePart `json:"parts"`
}

// FeaturePart is a run of a feature's numbers that shares one scale.
type FeaturePart struct {
	Name  string `json:"name"`
	Width int    `json:"width"`
}

// vectorPart is how many values of a vector that is its own feature share a scale. CLIP's
// vectors have a few values that are twenty times the others: in one part with them the
// others would be lost.
const vectorPart = 32

// VectorFeatures are the features of an encoder whose vectors are what is stored.
func VectorFeatures(dimensions int) *Features {
	features := &Features{}
	var widths []int
	for begin := 0; begin < dimensions; begin += vectorPart {
		width := min(vectorPart, dimensions-begin)
		widths = append(widths, width)
		features.Parts = append(features.Parts, FeaturePart{fmt.Sprintf("vector from %d", begin), width})
	}
	features.Type = FeatureType(widths)
	return features
}

// Learning names what a trainer begins from; nothing of it is used to encode.
type Learning struct {
	Heads  string `json:"heads"`            // as encoders/builtin/heads writes it
	Replay string `json:"replay,omitempty"` // captioned pictures that keep what is known from being forgotten
}

// Tags are what was learned of somebody's own tags: how sure the encoder is of each,
// for a picture by its stored feature.
type Tags struct {
	// Graph takes features, float32 [N, width], and gives for each tag its
	// probability, float32 [N, tags].
	Graph string `json:"graph"`
	// Names is a list of texts, in the order of the graph's output.
	Names string `json:"names"`
}

// Score says what similarities of this encoder mean.
type Score struct {
	// MatchFloor is the cosine of a sentence and a picture below which the two
	// do not match.
	MatchFloor float64 `json:"match_floor"`
}

// Dimensions is the length of a vector.
func (m *Manifest) Dimensions() int {
	total := 0
	for _, part := range m.Vector {
		total += part.Dimensions
	}
	return total
}

// FeatureWidth is the length of a feature, 0 where there are none.
func (m *Manifest) FeatureWidth() (sum int) {
	for _, width := range m.Widths() {
		sum += width
	}
	return sum
}

// FeaturesAreVectors says that what is stored of a picture is its vector, and what the
// text graph gives of a sentence is its own.
func (m *Manifest) FeaturesAreVectors() bool {
	return m.Features != nil && m.Projection == (Projection{})
}

// Widths are the widths of the feature's parts; none where there are no features.
func (m *Manifest) Widths() []int {
	if m.Features == nil {
		return nil
	}
	var widths []int
	for _, part := range m.Features.Parts {
		widths = append(widths, part.Width)
	}
	return widths
}
