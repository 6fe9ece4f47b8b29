package bundle

import (
	"encoding/json"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vsed/encoders/feature"
)

// sample writes a whole bundle of tiny files and returns its folder.
func sample(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"image.onnx": "image", "image.data": "weights", "text.onnx": "text", "project.onnx": "project", "vocab.txt": "[UNK]",
		"golden.json": `{"tolerance":0.999,"texts":[{"text":"dog","vector":[1,0]}],"pictures":[{"file":"golden/one.png","vector":[0,1]}],"pairs":[{"picture":0,"text":0}]}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writePicture(t, folder, "golden/one.png")
	if err := Write(folder, Manifest{
		Name: "sample", Version: "1", Licence: "none", Precision: "float32", Golden: "golden.json",
		Sources: []Source{{Name: "test", Version: "1", Licence: "none"}},
		Picture: Picture{
			Graph: Graph{"image.onnx", []string{"image.data"}}, Input: "x", Output: "y", Width: 2, Height: 2,
			Fit: "squash", Kernel: "cubic", Layout: "NHWC", Type: "uint8", Batch: 8,
		},
		Text: Text{
			Graph: Graph{File: "text.onnx"}, Tokens: "ids", Output: "y", Type: "int64", Context: 256,
			Tokenizer: Tokenizer{Kind: "wordpiece", Vocabulary: "vocab.txt", LowerCase: true}, Pooling: "mean",
		},
		Projection: Projection{Picture: "project.onnx"},
		Vector:     []VectorPart{{"all", 2, 1}},
		Features:   &Features{"int8-parts-4-2", []FeaturePart{{"a", 4}, {"b", 2}}},
		Score:      Score{0.3},
	}, func(string) string { return "test" }); err != nil {
		t.Fatal(err)
	}
	return folder
}

func writePicture(t *testing.T, folder, name string) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	copy(picture.Pix, []byte{1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255})
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	read, err := Read(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(); err != nil {
		t.Error(err)
	}
	if len(read.Files) != 7 || read.Dimensions() != 2 || len(read.Digest()) != 64 {
		t.Errorf("%d files, %d dimensions, digest %q", len(read.Files), read.Dimensions(), read.Digest())
	}
	golden, err := read.ReadGolden()
	if err != nil || golden.Texts[0].Text != "dog" || golden.Pictures[0].Vector[1] != 1 {
		t.Errorf("golden %v, %v", golden, err)
	}
	pixels, err := read.Pixels(golden.Pictures[0])
	if err != nil || string(pixels) != "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c" {
		t.Errorf("pixels %v, %v", pixels, err)
	}
}

func TestWrongGoldenFilesAreNamed(t *testing.T) {
	folder := sample(t)
	f := func(want, old, new string) {
		t.Helper()
		path := filepath.Join(folder, "golden.json")
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(path, sound, 0o600)
		if err := os.WriteFile(path, []byte(strings.Replace(string(sound), old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read.ReadGolden(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("tolerance is 2", "0.999", "2")
	f("texts[0].vector has 1 dimensions, not 2", "[1,0]", "[1]")
	f(`pictures[0].file is "two.png", which is not among the files`, "golden/one.png", "two.png")
	f("pairs[0].text is 1, which does not exist", `"text":0`, `"text":1`)
	f("pears is not a field", "pairs", "pears")
}

func TestChangedFileIsNamed(t *testing.T) {
	folder := sample(t)
	read, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(read.Path("vocab.txt"), []byte("[unk]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(); err == nil || !strings.Contains(err.Error(), "vocab.txt is not the file") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(read.Path("vocab.txt")); err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(); err == nil || !strings.Contains(err.Error(), "vocab.txt") {
		t.Errorf("error %v", err)
	}
}

func good(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/good.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// changed is the good manifest with some fields set, by paths such as
// "files[1].path"; null takes a field out.
func changed(t *testing.T, fields map[string]any) []byte {
	t.Helper()
	var manifest any
	if err := json.Unmarshal(good(t), &manifest); err != nil {
		t.Fatal(err)
	}
	for path, value := range fields {
		parts := regexp.MustCompile(`[^.\[\]]+`).FindAllString(path, -1)
		inner := manifest
		for _, part := range parts[:len(parts)-1] {
			inner = member(inner, part)
		}
		last := parts[len(parts)-1]
		switch holder := inner.(type) {
		case []any:
			at, _ := strconv.Atoi(last)
			holder[at] = value
		case map[string]any:
			holder[last] = value
			if value == nil {
				delete(holder, last)
			}
		}
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func member(holder any, name string) any {
	if list, ok := holder.([]any); ok {
		at, _ := strconv.Atoi(name)
		return list[at]
	}
	return holder.(map[string]any)[name]
}

// TestBadManifestsNameTheField reads testdata/*.bad.json: which fields of
// good.json are set to what, and the message that it gives.
func TestBadManifestsNameTheField(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.json")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var bad struct {
			Want string
			Set  map[string]any
		}
		if err := json.Unmarshal(data, &bad); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		_, err = Parse(changed(t, bad.Set))
		if err == nil || !strings.HasPrefix(err.Error(), bad.Want) {
			t.Errorf("%s: error %v, want %q", file, err, bad.Want)
		}
	}
}

// TestTextThatIsNoManifest has what no JSON library writes.
func TestTextThatIsNoManifest(t *testing.T) {
	f := func(want, old, new string) {
		t.Helper()
		text := string(good(t))
		if !strings.Contains(text, old) {
			t.Fatalf("the manifest has no %s", old)
		}
		_, err := Parse([]byte(strings.Replace(text, old, new, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("picture.width stands twice", `"width": 224`, `"width": 224, "width": 225`)
	f("licence is null", `"licence": "MIT"`, `"licence": null`)
	f("Width is not a field", `"width": 224`, `"Width": 224`)
	f("EOF", `"match_floor": 0.2
  }
}`, `"match_floor": 0.2`)
	f("something follows", `"match_floor": 0.2
  }
}`, `"match_floor": 0.2}}{}`)
	if _, err := Parse([]byte("[]")); err == nil {
		t.Error("a list passed")
	}
}

func TestGoodManifestIsRead(t *testing.T) {
	if _, err := Parse(good(t)); err != nil {
		t.Error(err)
	}
}

// TestSpaceCoversWhatChangesAVector also shows that the bundle's digest covers all.
func TestSpaceCoversWhatChangesAVector(t *testing.T) {
	whole, err := Parse(good(t))
	if err != nil {
		t.Fatal(err)
	}
	f := func(same bool, field string, value any) {
		t.Helper()
		data := changed(t, map[string]any{field: value})
		other, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if (other.Space() == whole.Space()) != same {
			t.Errorf("%s = %v: the space stays: %v, want %v", field, value, !same, same)
		}
		if listDigest(data, other.Files) == listDigest(changed(t, nil), whole.Files) {
			t.Errorf("%s = %v: the bundle's digest stays", field, value)
		}
	}
	other := strings.Repeat("f", 64)
	f(true, "name", "other")
	f(true, "version", "2")
	f(true, "licence", "other")
	f(true, "sources[0].licence", "other")
	f(true, "score.match_floor", 0.4)
	f(true, "picture.batch", 16)
	f(true, "picture.profile", nil)
	f(true, "precision", "float16")
	f(true, "text.cpu_only", true)
	f(true, "files[0].sha256", other) // golden.json
	f(true, "files[7].sha256", other) // vocab.txt, which is not used
	for _, file := range []string{"1", "2", "3", "4", "5", "6"} {
		f(false, "files["+file+"].sha256", other)
	}
	f(false, "picture.width", 225)
	f(false, "picture.fit", "pad")
	f(false, "picture.kernel", "linear")
	f(false, "picture.mean[0]", 0.5)
	f(false, "picture.deviation[0]", 0.5)
	f(false, "picture.layout", "NHWC")
	f(false, "picture.output", "other")
	f(false, "picture.graph.weights", nil)
	f(false, "text.context", 64)
	f(false, "text.padded", false)
	f(false, "text.tokenizer.canonicalize", false)
	f(false, "text.tokenizer.language", "eng_Latn")
	f(false, "text.output", "other")
	f(false, "vector[0].weight", 2)
	f(true, "learning", nil)
	f(true, "files[8].sha256", other) // heads.bin
	f(false, "tags", nil)
	f(false, "files[10].sha256", other) // tags.onnx
	f(false, "files[11].sha256", other) // tags.json
}

// TestSpacesOfOlderBundlesStay: another space would have all photos encoded anew.
func TestSpacesOfOlderBundlesStay(t *testing.T) {
	read, err := Parse(changed(t, map[string]any{"learning": nil, "tags": nil}))
	if err != nil {
		t.Fatal(err)
	}
	if read.Space() != "c7d64f9cd2dc87345e727fea42add16e" || read.FeatureSpace() != "09dc1010ae8a774e166381a0ce91d090" {
		t.Errorf("space %s, feature space %s", read.Space(), read.FeatureSpace())
	}
}

func TestLearnedTags(t *testing.T) {
	folder := t.TempDir()
	b := &Bundle{folder: folder}
	if names, err := b.LearnedTags(); err != nil || names != nil {
		t.Errorf("of none %q, %v", names, err)
	}
	b.Tags = &Tags{Names: "tags.json"}
	// What scripts and pictures need between their signs is part of a tag.
	names := []string{"Omas Garten", "犬", "x", "می\u200cخواهم", "👨\u200d👩\u200d👧", "京都\u3000寺", "New\u00a0York", "a  b"}
	if err := WriteTags(b.Path("tags.json"), names); err != nil {
		t.Fatal(err)
	}
	if read, err := b.LearnedTags(); err != nil || !slices.Equal(read, names) {
		t.Errorf("read %q, %v", read, err)
	}
	f := func(want, text string) {
		t.Helper()
		if err := os.WriteFile(b.Path("tags.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.LearnedTags(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
	f("cannot unmarshal", `{"a":1}`)
	f("there are 0", `[]`)
	f("there are 20000", `["a"`+strings.Repeat(`,"a"`, 19_999)+`]`)
	f(`tag 1, "": it is empty`, `["a",""]`)
	f("it has 300 bytes, more than 255", `["`+strings.Repeat("x", 300)+`"]`)
	f("stands twice", `["a","a"]`)
	f("no plain text", `["a\nb"]`)
	f("not in normal form NFC", `["e\u0301"]`)
	if err := WriteTags(b.Path("tags.json"), []string{"a", "a"}); err == nil {
		t.Error("a tag was written twice")
	}
}

// TestLearnedHeadsKeepTheFeatures changes what follows after a feature, then what
// comes before it.
func TestLearnedHeadsKeepTheFeatures(t *testing.T) {
	whole, err := Parse(good(t))
	if err != nil {
		t.Fatal(err)
	}
	f := func(same bool, file string) {
		t.Helper()
		other, err := Parse(good(t))
		if err != nil {
			t.Fatal(err)
		}
		for i := range other.Files {
			if other.Files[i].Path == file {
				other.Files[i].SHA256 = strings.Repeat("f", 64)
			}
		}
		if other.Space() == whole.Space() {
			t.Errorf("%s: the space stays", file)
		}
		if (other.FeatureSpace() == whole.FeatureSpace()) != same {
			t.Errorf("%s: the feature space stays: %v, want %v", file, !same, same)
		}
	}
	f(true, whole.Projection.Picture)
	f(true, whole.Tags.Graph)
	f(true, whole.Tags.Names)
	f(false, whole.Picture.Graph.File)
	f(false, whole.Text.Graph.File)
	f(false, whole.Text.Tokenizer.File)
}

// TestVectorsAsFeatures stores a vector such as CLIP gives, with one value far above the
// others, and compares.
func TestVectorsAsFeatures(t *testing.T) {
	f := func(dimensions int, name string) {
		t.Helper()
		about := Manifest{Features: VectorFeatures(dimensions)}
		if about.Features.Type != name || about.FeatureWidth() != dimensions {
			t.Errorf("%d dimensions: type %s, %d values", dimensions, about.Features.Type, about.FeatureWidth())
		}
		exact, random := make([]float32, dimensions), rand.New(rand.NewPCG(1, 1))
		for i := range exact {
			exact[i] = .03 * float32(random.NormFloat64())
		}
		exact[dimensions/3] = .6
		stored, err := feature.Dequantise(nil, feature.Quantise(exact, about.Widths()), about.Widths())
		if err != nil {
			t.Fatal(err)
		}
		var both, squareA, squareB float64
		for i, value := range exact {
			both += float64(value) * float64(stored[i])
			squareA, squareB = squareA+float64(value)*float64(value), squareB+float64(stored[i])*float64(stored[i])
		}
		if cosine := both / math.Sqrt(squareA*squareB); cosine < .9999 {
			t.Errorf("%d dimensions: cosine %.6f to what is stored", dimensions, cosine)
		}
	}
	f(512, "int8-parts-16x32")
	f(1280, "int8-parts-40x32")
	f(100, "int8-parts-3x32-4")
	f(8, "int8-parts-8")
	if got := FeatureType([]int{2, 3, 3, 2, 2, 2}); got != "int8-parts-2-2x3-3x2" {
		t.Error(got)
	}
}

func TestFileNamesDoNotChangeTheSpace(t *testing.T) {
	whole, err := Parse(good(t))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Parse([]byte(strings.ReplaceAll(string(good(t)), "visual/model.onnx", "image.onnx")))
	if err != nil || moved.Space() != whole.Space() {
		t.Errorf("a file's name changed the space, %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":2,"name":"x","files":[{"path":"a","sha256":"00"}]}`))
	f.Add([]byte(`{"format":2,"features":{"parts":[{"width":-1}]}}`))
	f.Add([]byte(`{"format":2,"picture":[{"width":-1}]}`))
	if data, err := os.ReadFile("testdata/good.json"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		manifest, err := Parse(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Parse(again)
		if err != nil || second.Space() != manifest.Space() {
			t.Errorf("a sound manifest changed when it was written: %v", err)
		}
	})
}
