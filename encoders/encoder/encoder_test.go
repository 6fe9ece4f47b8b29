package encoder

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/bundle"
	"vsed/encoders/onnx"
	"vsed/encoders/runtime/runtimetest"
	"vsed/plugins/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// builtin opens what `make model` made.
func builtin(t *testing.T) *Encoder {
	t.Helper()
	read, err := bundle.Read("../../build/encoders/builtin")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no built-in bundle: run `make model` first")
	}
	if err != nil {
		t.Fatal(err)
	}
	return open(t, read)
}

func open(t *testing.T, read *bundle.Bundle) *Encoder {
	t.Helper()
	opened, err := Open(t.Context(), read, runtimetest.Load(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

// noise makes pictures of the encoder's size; each has a tone of its own.
func noise(e *Encoder, count int) [][]byte {
	random := rand.New(rand.NewPCG(7, 7))
	pictures := make([][]byte, count)
	for i := range pictures {
		pictures[i] = make([]byte, e.bundle.Picture.Width*e.bundle.Picture.Height*3)
		step := 1 + random.IntN(9)
		for j := range pictures[i] {
			pictures[i][j] = byte(j/step + random.IntN(1+i*8))
		}
	}
	return pictures
}

// TestProjectGivesTheSameBits shows that a stored feature stands for its vector,
// wherever in a batch and beside whichever others it is projected.
func TestProjectGivesTheSameBits(t *testing.T) {
	e := builtin(t)
	encoded, err := e.EncodePictures(t.Context(), noise(e, 11))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var chosen []int
		var features [][]byte
		for range 1 + random.IntN(19) {
			chosen = append(chosen, random.IntN(len(encoded)))
			features = append(features, encoded[chosen[len(chosen)-1]].Feature)
		}
		projected, err := e.Project(t.Context(), features)
		if err != nil {
			t.Fatal(err)
		}
		for i, from := range chosen {
			if !slices.Equal(projected[i].Vector, encoded[from].Vector) {
				t.Fatalf("feature %d at place %d of %d gives another vector", from, i, len(chosen))
			}
		}
	}
}

func TestPictureAloneAndInABatch(t *testing.T) {
	e := builtin(t)
	pictures := noise(e, 3)
	together, err := e.EncodePictures(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := e.EncodePictures(t.Context(), pictures[2:])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(alone[0].Feature, together[2].Feature) || !slices.Equal(alone[0].Vector, together[2].Vector) {
		t.Error("a picture's vector depends on its neighbours")
	}
	checkUnit(t, together)
	if len(together[0].Feature) != 3116 {
		t.Errorf("a feature takes %d bytes", len(together[0].Feature))
	}
}

func checkUnit(t *testing.T, embeddings []*contract.Embedding) {
	t.Helper()
	for i, embedding := range embeddings {
		var square float64
		for _, value := range embedding.Vector {
			square += float64(value) * float64(value)
		}
		if math.Abs(square-1) > 1e-5 {
			t.Errorf("vector %d has length %v", i, math.Sqrt(square))
		}
	}
}

func TestTexts(t *testing.T) {
	e := builtin(t)
	found, err := e.EncodeTexts(t.Context(), []string{"dog", "a dog", "tax return", "", strings.Repeat("word ", 3000), "\xff\x00"})
	if err != nil {
		t.Fatal(err)
	}
	checkUnit(t, found)
	near, far := cosine(found[0].Vector, found[1].Vector), cosine(found[0].Vector, found[2].Vector)
	if near < far+0.2 {
		t.Errorf("dog is as near to a dog (%v) as to a tax return (%v)", near, far)
	}
}

// TestProjectorGivesTheEncodersVectors bit for bit.
func TestProjectorGivesTheEncodersVectors(t *testing.T) {
	e := builtin(t)
	projector, err := OpenProjector(t.Context(), e.bundle, runtimetest.Load(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer projector.Close()
	pictures, err := e.EncodePictures(t.Context(), noise(e, 2))
	if err != nil {
		t.Fatal(err)
	}
	projected, err := projector.Project(t.Context(), [][]byte{pictures[1].Feature})
	if err != nil || !slices.Equal(projected[0].Vector, pictures[1].Vector) {
		t.Errorf("another vector of a picture, %v", err)
	}
	texts, err := e.EncodeTexts(t.Context(), []string{"dog"})
	if err != nil {
		t.Fatal(err)
	}
	sentences, err := OpenSentences(t.Context(), e.bundle.Path("."), e.bundle.Text, runtimetest.Load(t))
	if err != nil {
		t.Fatal(err)
	}
	defer sentences.Close()
	feature, err := sentences.Feature(t.Context(), "dog")
	if err != nil {
		t.Fatal(err)
	}
	if vector, err := projector.Sentence(t.Context(), feature); err != nil || !slices.Equal(vector, texts[0].Vector) {
		t.Errorf("another vector of a sentence, %v", err)
	}
	for sentence, want := range map[string]bool{"dog": true, "Omas Garten": true, "": false, "𓃰𓃱": false, "ꦱꦸꦏꦸ": false, "𓃰 dog": true} {
		if sentences.Knows(sentence) != want {
			t.Errorf("%q is known: %v, want %v", sentence, !want, want)
		}
	}
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenProjector(t.Context(), read, runtimetest.Load(t), Options{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without features: %v", err)
	}
}

func cosine(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestTextOvertakesPictures asks for a text while a long row of pictures is under way.
func TestTextOvertakesPictures(t *testing.T) {
	e := builtin(t)
	pictures := noise(e, 40)
	var done atomic.Bool
	finished := make(chan error)
	go func() {
		_, err := e.EncodePictures(context.WithoutCancel(t.Context()), pictures)
		done.Store(true)
		finished <- err
	}()
	if _, err := e.EncodeTexts(t.Context(), []string{"dog on beach"}); err != nil {
		t.Error(err)
	}
	if done.Load() {
		t.Error("the text waited for all pictures")
	}
	if err := <-finished; err != nil {
		t.Error(err)
	}
}

func TestEndedContext(t *testing.T) {
	e := builtin(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.EncodePictures(ctx, noise(e, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("pictures: %v", err)
	}
	if _, err := e.EncodeTexts(ctx, []string{"dog"}); !errors.Is(err, context.Canceled) {
		t.Errorf("texts: %v", err)
	}
}

func TestWrongLengthsAreRefused(t *testing.T) {
	e := builtin(t)
	if _, err := e.EncodePictures(t.Context(), [][]byte{make([]byte, 7)}); err == nil || !strings.Contains(err.Error(), "7 bytes long") {
		t.Errorf("picture: %v", err)
	}
	if _, err := e.Project(t.Context(), [][]byte{make([]byte, 7)}); err == nil || !strings.Contains(err.Error(), "7 bytes long") {
		t.Errorf("feature: %v", err)
	}
	if found, err := e.EncodePictures(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("no pictures: %v, %v", found, err)
	}
}

// small writes a bundle whose graphs are a few nodes: a picture's vector is its
// mean colour, a text goes through a projection, batches have 3 pictures. There are
// graphs for features and learned tags too, which no manifest names by itself.
func small(t *testing.T, change func(*bundle.Manifest)) (*bundle.Bundle, error) {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, g *onnx.Graph, output *onnx.Value) {
		g.Output(output, nil)
		data, err := g.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := onnx.NewGraph("mean colour")
	picture := g.Input("picture", onnx.Uint8, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2), onnx.Fixed(2), onnx.Fixed(3)})
	colour := g.Op("ReduceMean", []*onnx.Value{g.Op("Cast", []*onnx.Value{picture}, onnx.Int("to", int64(onnx.Float32)))}, onnx.Ints("axes", 1, 2), onnx.Int("keepdims", 0))
	write("image.onnx", g, g.Named("colour", "Div", []*onnx.Value{colour, g.Op("ReduceL2", []*onnx.Value{colour}, onnx.Ints("axes", 1))}))
	g = onnx.NewGraph("pieces")
	ids := g.Input("input_ids", onnx.Int64, onnx.Shape{onnx.Symbol("N"), onnx.Symbol("T")})
	table := g.Constant(onnx.Float32s([]float32{1, 0, 0, 1, 1, 1, 3, 4}, 4, 2))
	write("text.onnx", g, g.As(g.Named("pieces", "Gather", []*onnx.Value{table, ids}), onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Symbol("T"), onnx.Fixed(2)}))
	g = onnx.NewGraph("project")
	feature := g.Input("feature", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2)})
	write("project.onnx", g, g.Op("MatMul", []*onnx.Value{feature, g.Constant(onnx.Float32s([]float32{0, 1, 0, 0, 0, 1}, 2, 3))}))
	g = onnx.NewGraph("features")
	feature = g.Input("features", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(3)})
	write("features.onnx", g, g.Op("Identity", []*onnx.Value{feature}))
	g = onnx.NewGraph("tags")
	feature = g.Input("features", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(3)})
	table = g.Constant(onnx.Float32s(tagWeights(), 3, tagCount))
	write("tags.onnx", g, g.Op("MatMul", []*onnx.Value{feature, table}))
	var names []string
	for i := range tagCount {
		names = append(names, fmt.Sprint("tag ", i))
	}
	if err := bundle.WriteTags(filepath.Join(folder, "tags.json"), names); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"vocab.txt": "[UNK]\n[CLS]\n[SEP]\ndog", "golden.json": "{}"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	about := bundle.Manifest{
		Name: "small", Version: "1", Licence: "none", Precision: "float32", Golden: "golden.json",
		Sources: []bundle.Source{{Name: "test", Version: "1", Licence: "none"}},
		Picture: bundle.Picture{
			Graph: bundle.Graph{File: "image.onnx"}, Input: "picture", Output: "colour", Width: 2, Height: 2,
			Fit: "crop", Kernel: "linear", Layout: "NHWC", Type: "uint8", Batch: 3,
		},
		Text: bundle.Text{
			Graph: bundle.Graph{File: "text.onnx"}, Tokens: "input_ids", Output: "pieces", Type: "int64", Context: 8,
			Tokenizer: bundle.Tokenizer{Kind: "wordpiece", Vocabulary: "vocab.txt"}, Pooling: "mean",
		},
		Projection: bundle.Projection{Text: "project.onnx"},
		Vector:     []bundle.VectorPart{{Name: "all", Dimensions: 3, Weight: 1}},
	}
	change(&about)
	if err := bundle.Write(folder, about, func(string) string { return "test" }); err != nil {
		t.Fatal(err)
	}
	return bundle.Read(folder)
}

func TestSmallEncoderWithoutFeatures(t *testing.T) {
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, read)
	red := []byte{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}
	blue := []byte{0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 0, 8}
	found, err := e.EncodePictures(t.Context(), [][]byte{red, blue, red, blue})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 4 || !slices.Equal(found[0].Vector, []float32{1, 0, 0}) || !slices.Equal(found[3].Vector, []float32{0, 0, 1}) {
		t.Errorf("pictures are %v", found)
	}
	texts, err := e.EncodeTexts(t.Context(), []string{"dog"})
	if err != nil {
		t.Fatal(err)
	}
	// [CLS] dog [SEP] is (0,1) + (3,4) + (1,1), of unit length (0.555, 0.832).
	if got := texts[0].Vector; math.Abs(float64(got[1])-4/math.Sqrt(52)) > 1e-6 || math.Abs(float64(got[2])-6/math.Sqrt(52)) > 1e-6 {
		t.Errorf("text is %v", got)
	}
	if _, err := e.Project(t.Context(), [][]byte{{1}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("project: %v", err)
	}
	description, err := e.Describe(t.Context())
	if err != nil || description.FeatureType != "" || description.Picture.Fit != contract.Fit_FIT_CROP || description.Dimensions != 3 {
		t.Errorf("description %v, %v", description, err)
	}
}

// TestVectorsThatAreFeatures keeps what the picture graph gives, without a projection.
func TestVectorsThatAreFeatures(t *testing.T) {
	read, err := small(t, func(m *bundle.Manifest) {
		m.Features = bundle.VectorFeatures(3)
		m.Tags = &bundle.Tags{Graph: "tags.onnx", Names: "tags.json"}
	})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, read)
	about, err := e.Describe(t.Context())
	if err != nil || about.FeatureType != "int8-parts-3" || about.FeatureBytes != 7 || about.FeatureSpace != read.FeatureSpace() || len(about.LearnedTags) != tagCount {
		t.Errorf("description %v, %v", about, err)
	}
	pictures := [][]byte{{200, 50, 9, 200, 50, 9, 200, 50, 9, 200, 50, 9}, {9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}}
	found, err := e.EncodePictures(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	projected, err := e.Project(t.Context(), [][]byte{found[0].Feature, found[1].Feature})
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		var square float64
		for _, value := range found[i].Vector {
			square += float64(value) * float64(value)
		}
		if !slices.Equal(found[i].Vector, projected[i].Vector) || math.Abs(square-1) > 1e-6 || !slices.EqualFunc(found[i].Tags, projected[i].Tags, same) || len(found[i].Tags) == 0 {
			t.Errorf("picture %d gives %v, its feature %v", i, found[i], projected[i])
		}
	}
	if got := found[0].Vector[1]; math.Abs(float64(got)-50/math.Sqrt(200*200+50*50+9*9)) > .003 {
		t.Errorf("picture 0 is %v", found[0].Vector)
	}
	if _, err := e.EncodePictures(t.Context(), [][]byte{make([]byte, 12)}); err == nil {
		t.Error("a picture whose vector is not finite was encoded")
	}
}

const tagCount = 40

// tagWeights make the red of a picture the probability of even tags, less with each, and
// its blue twice that of tag 1, which it takes above 1 where there is much of it.
func tagWeights() []float32 {
	weights := make([]float32, 3*tagCount)
	for tag := 0; tag < tagCount; tag += 2 {
		weights[tag] = 1 - float32(tag)/tagCount
	}
	weights[2*tagCount+1] = 2
	for tag := 3; tag < tagCount; tag += 2 {
		weights[tagCount+tag] = .5
	}
	return weights
}

func withTags(m *bundle.Manifest) {
	m.Projection.Picture = "features.onnx"
	m.Features = &bundle.Features{Type: "int8-parts-3", Parts: []bundle.FeaturePart{{Name: "colour", Width: 3}}}
	m.Tags = &bundle.Tags{Graph: "tags.onnx", Names: "tags.json"}
}

func TestLearnedTags(t *testing.T) {
	read, err := small(t, withTags)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, read)
	about, err := e.Describe(t.Context())
	if err != nil || len(about.LearnedTags) != tagCount || about.LearnedTags[7] != "tag 7" || about.FeatureSpace != read.FeatureSpace() {
		t.Errorf("description %v, %v", about, err)
	}
	red := []byte{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}
	mixed := []byte{80, 60, 10, 80, 60, 10, 80, 60, 10, 80, 60, 10}
	found, err := e.EncodePictures(t.Context(), [][]byte{red, mixed})
	if err != nil {
		t.Fatal(err)
	}
	if tags := found[0].Tags; len(tags) != 20 || tags[0].Tag != 0 || tags[0].Confidence != 1 || tags[1].Tag != 2 || tags[1].Confidence != .95 {
		t.Errorf("red has %v", tags)
	}
	if tags := found[1].Tags; len(tags) != contract.PictureTagsLimit || tags[0].Tag != 0 || !slices.IsSortedFunc(tags, surer) {
		t.Errorf("the other has %v", tags)
	}
	projected, err := e.Project(t.Context(), [][]byte{found[1].Feature, found[0].Feature, found[1].Feature})
	if err != nil {
		t.Fatal(err)
	}
	for i, from := range []int{1, 0, 1} {
		if !slices.EqualFunc(projected[i].Tags, found[from].Tags, same) {
			t.Errorf("picture %d has %v, its feature %v", from, found[from].Tags, projected[i].Tags)
		}
	}
	if _, err := e.EncodePictures(t.Context(), [][]byte{{0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0, 9}}); err == nil || !strings.Contains(err.Error(), "tag 1 a probability of 2") {
		t.Errorf("error %v", err)
	}
	if texts, err := e.EncodeTexts(t.Context(), []string{"dog"}); err != nil || texts[0].Tags != nil {
		t.Errorf("a text has %v, %v", texts, err)
	}
}

func surer(a, b *contract.LearnedTag) int { return cmp.Compare(b.Confidence, a.Confidence) }

func same(a, b *contract.LearnedTag) bool { return a.Tag == b.Tag && a.Confidence == b.Confidence }

func TestGraphsThatContradictTheManifest(t *testing.T) {
	f := func(want string, change func(*bundle.Manifest)) {
		t.Helper()
		read, err := small(t, change)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := Open(t.Context(), read, runtimetest.Load(t), Options{})
		if err == nil {
			opened.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("picture.width, height and layout make [-1 2 5 3], the graph takes [-1 2 2 3]", func(m *bundle.Manifest) { m.Picture.Width = 5 })
	f("picture.width, height and layout make [-1 3 2 2]", func(m *bundle.Manifest) { m.Picture.Layout = "NCHW" })
	f("picture.type is float32, the graph takes uint8", func(m *bundle.Manifest) { m.Picture.Type = "float32" })
	f(`picture.input is "image", the graph takes [picture]`, func(m *bundle.Manifest) { m.Picture.Input = "image" })
	f(`no output "vector"`, func(m *bundle.Manifest) { m.Picture.Output = "vector" })
	f("gives 2 dimensions, the manifest says 3", func(m *bundle.Manifest) { m.Projection.Text = "" })
	f("as the manifest says", func(m *bundle.Manifest) { m.Vector[0].Dimensions = 2 })
	f(`text.tokens is "tokens", the graph takes [input_ids]`, func(m *bundle.Manifest) { m.Text.Tokens = "tokens" })
	f("text.type is int32, the graph takes \"input_ids\" as int64", func(m *bundle.Manifest) { m.Text.Type = "int32" })
	f("golden.json", func(m *bundle.Manifest) { m.Text.Graph.File = "golden.json" })
	f("learned tags golden.json", func(m *bundle.Manifest) { withTags(m); m.Tags.Names = "golden.json" })
	f("48 values, not 640", func(m *bundle.Manifest) { withTags(m); m.Tags.Graph = "features.onnx" })
	f("golden.json: vocabulary has no [CLS]", func(m *bundle.Manifest) { m.Text.Tokenizer.Vocabulary = "golden.json" })
}
