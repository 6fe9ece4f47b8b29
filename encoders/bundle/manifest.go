// Package bundle reads, checks and writes encoder bundles: a folder with the
// graphs and tables of one encoder and a manifest.json that describes them. It
// runs no graph; what a graph really takes and gives is the runtime's to say.
package bundle

// FormatVersion is the version of manifest.json that this package reads and writes.
const FormatVersion = 1

// ManifestName is the manifest's file in the bundle's folder.
const ManifestName = "manifest.json"

// Manifest describes an encoder. Paths are relative to the bundle's folder, with
// forward slashes.
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

	Picture    Picture    `json:"picture"`
	Text       Text       `json:"text"`
	Projection Projection `json:"projection"`
	// Vector is the layout of a vector: parts one after another.
	Vector []VectorPart `json:"vector"`
	// Features is absent where the encoder keeps none.
	Features *Features `json:"features,omitempty"`
	// Precision of the picture graph: "float32", "float16" or "int8".
	Precision string `json:"precision"`
	// Golden is the file of inputs with their vectors; see Golden.
	Golden string `json:"golden"`
	Score  Score  `json:"score"`
}

// Source is something that the bundle was made from.
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
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Picture says what the picture graph takes.
type Picture struct {
	File   string `json:"file"`
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"` // pixels
	Fit    string `json:"fit"`    // "squash", "crop" or "pad"
	Kernel string `json:"kernel"` // "linear", "cubic" or "lanczos3"
	// Layout of the graph's input: "NHWC" is uint8 with mean and deviation folded in.
	Layout string `json:"layout"`
	// Batch is the number of pictures that the graph runs with.
	Batch int `json:"batch"`
}

// Text says what the text graph takes.
type Text struct {
	File string `json:"file"`
	// Context is the most pieces of a text; what is beyond is cut off.
	Context   int       `json:"context"`
	Tokenizer Tokenizer `json:"tokenizer"`
	// Pooling turns the pieces' vectors into one: "mean".
	Pooling string `json:"pooling"`
}

// Tokenizer says how a text becomes piece numbers.
type Tokenizer struct {
	Kind       string `json:"kind"` // "wordpiece"
	Vocabulary string `json:"vocabulary"`
	LowerCase  bool   `json:"lower_case"` // also strips accents
}

// Projection names the graphs that turn features into vectors.
type Projection struct {
	// Picture takes picture features; empty where the picture graph's output is
	// the vector.
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
	// Type names the stored form: "int8-parts-" and the widths of the parts.
	Type  string        `json:"type"`
	Parts []FeaturePart `json:"parts"`
}

// FeaturePart is a run of a feature's numbers that shares one scale.
type FeaturePart struct {
	Name  string `json:"name"`
	Width int    `json:"width"`
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
