package bundle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample writes a whole bundle of tiny files and returns its folder.
func sample(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"image.onnx": "image", "text.onnx": "text", "project.onnx": "project", "vocab.txt": "[UNK]", "golden/one.png": "png",
		"golden.json": `{"texts":[{"text":"dog","vector":[1,0]}],"pictures":[{"file":"golden/one.png","vector":[0,1]}]}`,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(folder, Manifest{
		Name: "sample", Version: "1", Licence: "none", Precision: "float32", Golden: "golden.json",
		Sources:    []Source{{Name: "test", Version: "1", Licence: "none"}},
		Picture:    Picture{"image.onnx", 224, 224, "squash", "cubic", "NHWC", 8},
		Text:       Text{"text.onnx", 256, Tokenizer{"wordpiece", "vocab.txt", true}, "mean"},
		Projection: Projection{Picture: "project.onnx"},
		Vector:     []VectorPart{{"all", 2, 1}},
		Features:   &Features{"int8-parts-4-2", []FeaturePart{{"a", 4}, {"b", 2}}},
		Score:      Score{0.3},
	}); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestReadWhatWasWritten(t *testing.T) {
	folder := sample(t)
	read, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(); err != nil {
		t.Error(err)
	}
	if len(read.Files) != 6 || read.Dimensions() != 2 || len(read.Digest()) != 64 {
		t.Errorf("%d files, %d dimensions, digest %q", len(read.Files), read.Dimensions(), read.Digest())
	}
	golden, err := read.ReadGolden()
	if err != nil || golden.Texts[0].Text != "dog" || golden.Pictures[0].Vector[1] != 1 {
		t.Errorf("golden %v, %v", golden, err)
	}
}

func TestChangedFileIsNamed(t *testing.T) {
	folder := sample(t)
	read, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(read.Path("vocab.txt"), []byte("[unk]"), 0o644); err != nil {
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

func manifest(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sample(t), ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBadManifestsNameTheField(t *testing.T) {
	data := string(manifest(t))
	f := func(want, old, new string) {
		t.Helper()
		if !strings.Contains(data, old) {
			t.Fatalf("the manifest has no %s", old)
		}
		_, err := Parse([]byte(strings.Replace(data, old, new, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(`unknown field "licenced"`, `"licence"`, `"licenced"`)
	f("format is 2", `"format": 1`, `"format": 2`)
	f("name is missing", `"sample"`, `""`)
	f("version is missing", `"version": "1"`, `"version": " "`)
	f("sources[0].licence is missing", "\"licence\": \"none\"\n", "\"licence\": \"\"\n")
	f(`files[1].path is "../golden.json"`, `"path": "golden.json"`, `"path": "../golden.json"`)
	f("files[0].sha256", `"sha256": "`, `"sha256": "x`)
	f("picture.width is missing", `"width": 224`, `"width": 0`)
	f("picture.height is -1", `"height": 224`, `"height": -1`)
	f(`picture.fit is "stretch", not squash or crop or pad`, "squash", "stretch")
	f("picture.kernel", "cubic", "bicubic")
	f("picture.layout", "NHWC", "NCHW")
	f("picture.batch is 100000", `"batch": 8`, `"batch": 100000`)
	f("text.context is missing", `"context": 256`, `"context": 0`)
	f("text.tokenizer.kind", "wordpiece", "bpe")
	f(`text.tokenizer.vocabulary is "words.txt", which is not among`, `"vocabulary": "vocab.txt"`, `"vocabulary": "words.txt"`)
	f("text.pooling", `"pooling": "mean"`, `"pooling": "last"`)
	f("vector[0].dimensions", `"dimensions": 2`, `"dimensions": 0`)
	f("vector[0].weight is -1", `"weight": 1`, `"weight": -1`)
	f(`features.type is "int8", not int8-parts-4-2`, `"int8-parts-4-2"`, `"int8"`)
	f("features.parts[0].width", `"width": 4`, `"width": 0`)
	f("projection.picture is missing", `"picture": "project.onnx"`, `"text": "project.onnx"`)
	f("precision", `"float32"`, `"float8"`)
	f("golden", `"golden": "golden.json"`, `"golden": ""`)
	f("score.match_floor is 2", "0.3", "2")
	f("cannot unmarshal", `"width": 224`, `"width": "wide"`)
	if _, err := Parse([]byte(data + "{}")); err == nil {
		t.Error("a second object passed")
	}
}

func TestSpace(t *testing.T) {
	data := string(manifest(t))
	whole, err := Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	f := func(same bool, old, new string) {
		t.Helper()
		changed, err := Parse([]byte(strings.ReplaceAll(data, old, new)))
		if err != nil {
			t.Fatal(err)
		}
		if (changed.Space() == whole.Space()) != same {
			t.Errorf("%s → %s: space stays: %v, want %v", old, new, !same, same)
		}
	}
	f(true, "sample", "other")
	f(true, `"licence": "none"`, `"licence": "some"`)
	f(true, "0.3", "0.4")
	f(true, "image.onnx", "picture.onnx")
	f(true, whole.sum("golden.json"), strings.Repeat("0", 64))
	f(false, "cubic", "linear")
	f(false, "squash", "pad")
	f(false, `"lower_case": true`, `"lower_case": false`)
	f(false, `"weight": 1`, `"weight": 2`)
	for _, file := range []string{"image.onnx", "text.onnx", "project.onnx", "vocab.txt"} {
		f(false, whole.sum(file), strings.Repeat("0", 64))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"x","files":[{"path":"a","sha256":"00"}]}`))
	f.Add([]byte(`{"format":1,"features":{"parts":[{"width":-1}]}}`))
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
