package adopt

import (
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/onnx"
	"vsed/encoders/runtime/runtimetest"
	"vsed/encoders/tinyclip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub writes a model as it lies on a hub.
func hub(t *testing.T, o tinyclip.Options) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := tinyclip.Write(folder, o); err != nil {
		t.Fatal(err)
	}
	return folder
}

// adopted makes a bundle of a model and opens it.
func adopted(t *testing.T, folder string) (*bundle.Bundle, *encoder.Encoder) {
	t.Helper()
	if err := Adopt(t.Context(), folder, About{Licence: "MIT", Source: "hub example/tiny", Version: "abc"}, runtimetest.Load(t)); err != nil {
		t.Fatal(err)
	}
	read, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(); err != nil {
		t.Error(err)
	}
	opened, err := encoder.Open(t.Context(), read, runtimetest.Load(t), encoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return read, opened
}

// vectors are those of a red and a blue picture and of two sentences, in turn.
func vectors(t *testing.T, e *encoder.Encoder) [][]float32 {
	t.Helper()
	var pictures [][]byte
	for _, tone := range []color.NRGBA{{220, 30, 30, 255}, {30, 60, 210, 255}} {
		plain := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		draw.Draw(plain, plain.Bounds(), image.NewUniform(tone), image.Point{}, draw.Src)
		pictures = append(pictures, bundle.RGB(plain))
	}
	found, err := e.EncodePictures(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := e.EncodeTexts(t.Context(), []string{"Something RED", "a blue wall"})
	if err != nil {
		t.Fatal(err)
	}
	return [][]float32{found[0].Vector, found[1].Vector, texts[0].Vector, texts[1].Vector}
}

func cosine(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestBothGenerations adopts one set of weights in every form, which must then
// give the same vectors.
func TestBothGenerations(t *testing.T) {
	_, first := adopted(t, hub(t, tinyclip.Options{}))
	want := vectors(t, first)
	for i := range 2 {
		if own, other := cosine(want[i], want[2+i]), cosine(want[i], want[3-i]); own < 0.8 || other > own-0.3 {
			t.Errorf("picture %d: cosine %.2f to its sentence, %.2f to the other", i, own, other)
		}
	}
	f := func(o tinyclip.Options, least float64, about string) {
		t.Helper()
		read, opened := adopted(t, hub(t, o))
		for i, vector := range vectors(t, opened) {
			if found := cosine(vector, want[i]); found < least {
				t.Errorf("%+v: vector %d has a cosine of %f to the first generation's", o, i, found)
			}
		}
		p := read.Picture
		if got := strings.Join([]string{p.Layout, p.Type, p.Fit, p.Kernel, read.Text.Type, read.Precision}, " "); got != about {
			t.Errorf("%+v: manifest says %s, want %s", o, got, about)
		}
		if (p.Mean == nil) != o.Newer || (len(p.Graph.Weights) == 1) != o.Newer || (p.Batch == 1) != o.Single {
			t.Errorf("%+v: manifest %+v", o, p)
		}
	}
	f(tinyclip.Options{Newer: true}, 0.99999, "NHWC uint8 crop cubic int32 float32")
	f(tinyclip.Options{Single: true}, 0.99999, "NCHW float32 crop cubic int32 float32")
	f(tinyclip.Options{Half: true}, 0.9999, "NCHW float16 crop cubic int32 float16")
	f(tinyclip.Options{Newer: true, Single: true}, 0.99999, "NHWC uint8 crop cubic int32 float32")
}

func TestWhatAnAdoptedBundleSays(t *testing.T) {
	folder := hub(t, tinyclip.Options{Newer: true})
	foreign := filepath.Join(folder, "visual", "rknpu", "rk3588")
	if err := os.MkdirAll(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "model.rknn"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, opened := adopted(t, folder)
	if read.Name != "tiny" || read.Sources[0].Name != "hub example/tiny" || read.Files[0].Source != "hub example/tiny" {
		t.Errorf("manifest %+v", read.Manifest)
	}
	if slices.ContainsFunc(read.Files, func(f bundle.File) bool { return strings.Contains(f.Path, "rknn") }) {
		t.Error("a file for another runtime is in the bundle")
	}
	if read.Features == nil || read.Features.Type != "int8-parts-2x32" || read.Projection != (bundle.Projection{}) {
		t.Errorf("features %+v, projection %+v", read.Features, read.Projection)
	}
	if floor := read.Score.MatchFloor; floor < 0.05 || floor > 0.5 {
		t.Errorf("match floor %v", floor)
	}
	golden, err := opened.Golden(t.Context())
	if err != nil || len(golden.Pairs) < 3 || golden.Tolerance != 0.999 {
		t.Errorf("golden inputs with %d pairs, %v", len(golden.Pairs), err)
	}
	if err := Adopt(t.Context(), folder, About{}, runtimetest.Load(t)); err == nil || !strings.Contains(err.Error(), "has a manifest.json already") {
		t.Errorf("adopted twice: %v", err)
	}
}

// A tokenizer that puts a language before each text is asked for English, or for
// what was chosen; others have none to choose.
func TestTheLanguageOfTexts(t *testing.T) {
	f := func(spoken bool, chosen, want string) []float32 {
		t.Helper()
		folder := hub(t, tinyclip.Options{Spoken: spoken})
		if err := Adopt(t.Context(), folder, About{Language: chosen}, runtimetest.Load(t)); err != nil {
			t.Fatal(err)
		}
		read, err := bundle.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		if got := read.Text.Tokenizer.Language; got != want {
			t.Errorf("chosen %q: got %q, want %q", chosen, got, want)
		}
		opened, err := encoder.Open(t.Context(), read, runtimetest.Load(t), encoder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		found, err := opened.EncodeTexts(t.Context(), []string{"red"})
		if err != nil {
			t.Fatal(err)
		}
		return found[0].Vector
	}
	f(false, "", "")
	if cosine := cosine(f(true, "", "eng_Latn"), f(true, "deu_Latn", "deu_Latn")); cosine > 0.99999 || cosine < 0.9 {
		t.Errorf("one word in two languages: cosine %f", cosine)
	}
	for _, one := range []struct {
		spoken         bool
		language, want string
	}{{false, "deu_Latn", `has no language that "deu_Latn"`}, {true, "fra_Latn", `there is no language "fra_Latn"`}} {
		err := Adopt(t.Context(), hub(t, tinyclip.Options{Spoken: one.spoken}), About{Language: one.language}, runtimetest.Load(t))
		if err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: %v, want %s", one.language, err, one.want)
		}
	}
}

// edit changes one field of a JSON file, by a path of names; nil takes it out.
func edit(t *testing.T, file string, value any, path ...string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	inner := whole
	for _, name := range path[:len(path)-1] {
		next, ok := inner[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			inner[name] = next
		}
		inner = next
	}
	inner[path[len(path)-1]] = value
	if value == nil {
		delete(inner, path[len(path)-1])
	}
	if data, err = json.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refused adopts a copy of a model that change has spoilt.
func refused(t *testing.T, sound, want string, change func(folder string)) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := os.CopyFS(folder, os.DirFS(sound)); err != nil {
		t.Fatal(err)
	}
	change(folder)
	before := listed(t, folder)
	err := Adopt(t.Context(), folder, About{}, runtimetest.Load(t))
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line with %q", err, want)
	}
	if after := listed(t, folder); !slices.Equal(before, after) {
		t.Errorf("%s: %v was left of %v", want, after, before)
	}
}

func listed(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	if err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWrongConfigurationsNameFileAndField(t *testing.T) {
	sound := hub(t, tinyclip.Options{Newer: true})
	f := func(want, file string, value any, path ...string) {
		t.Helper()
		refused(t, sound, want, func(folder string) { edit(t, filepath.Join(folder, file), value, path...) })
	}
	f("config.json: embed_dim is 0", "config.json", nil, "embed_dim")
	f("config.json: embed_dim is a string", "config.json", "wide", "embed_dim")
	f("of 65 dimensions as embed_dim in config.json says", "config.json", 65, "embed_dim")
	f("config.json: text_cfg.context_length is 0", "config.json", 0, "text_cfg", "context_length")
	f(`textual/model.onnx: input "text" has 16 pieces, text_cfg.context_length in config.json is 77`, "config.json", nil, "text_cfg", "context_length")
	f(`config.json: text_cfg.tokenizer_kwargs.clean is "scrub"`, "config.json", "scrub", "text_cfg", "tokenizer_kwargs", "clean")
	const preprocess = "visual/preprocess_cfg.json"
	f(preprocess+": size is missing", preprocess, nil, "size")
	f(preprocess+` has size 64×64`, preprocess, 64, "size")
	f(preprocess+`: interpolation is "nearest"`, preprocess, "nearest", "interpolation")
	f(preprocess+`: resize_mode is "tile"`, preprocess, "tile", "resize_mode")
	f(preprocess+": mean and std have 2 and 3 values", preprocess, []float64{0, 0}, "mean")
	f(preprocess+`: mode is "L"`, preprocess, "L", "mode")
	f("textual: tokenizer_config.json: pad_token", "textual/tokenizer_config.json", nil, "pad_token")
	f("textual: tokenizer.json:", "textual/tokenizer.json", "Odd", "model", "type")
}

func TestMissingFilesAreNamed(t *testing.T) {
	sound := hub(t, tinyclip.Options{Newer: true})
	for _, file := range []string{configFile, preprocessFile, pictureFile, textFile, tokenizerFile, tokensFile, "visual/model.onnx.data"} {
		refused(t, sound, filepath.Base(file), func(folder string) {
			if err := os.Remove(filepath.Join(folder, filepath.FromSlash(file))); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// write puts a graph in the place of a model's.
func write(t *testing.T, folder, file string, opset int64, build func(*onnx.Graph)) {
	t.Helper()
	graph := onnx.NewGraph("other")
	build(graph)
	model, _, err := graph.MarshalApart(opset, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(file)), model, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWrongGraphsAreNamed(t *testing.T) {
	sound := hub(t, tinyclip.Options{Newer: true})
	f := func(want, file string, opset int64, build func(*onnx.Graph)) {
		t.Helper()
		refused(t, sound, want, func(folder string) { write(t, folder, file, opset, build) })
	}
	picture := func(kind onnx.DataType, sides ...int64) func(*onnx.Graph) {
		return func(g *onnx.Graph) {
			x := g.Input("image", kind, onnx.Sides(sides...))
			g.Output(g.As(g.Named("y", "Flatten", []*onnx.Value{x}), kind, onnx.Sides(sides[0], 64)), nil)
		}
	}
	f("visual/model.onnx: input \"image\" is int32", pictureFile, onnx.Opset, picture(onnx.Int32, 1, 32, 32, 3))
	f("visual/model.onnx: input \"image\" has shape [1 32 32], not four sides", pictureFile, onnx.Opset, picture(onnx.Uint8, 1, 32, 32))
	f("in which no side is the three channels", pictureFile, onnx.Opset, picture(onnx.Uint8, 1, 4, 32, 32))
	f("0 of its 1 outputs are vectors", pictureFile, onnx.Opset, picture(onnx.Uint8, 1, 3, 32, 32))
	f("uses opset 99 of ai.onnx", pictureFile, 99, func(g *onnx.Graph) {
		x := g.Input("image", onnx.Float32, onnx.Sides(1, 3, 32, 32))
		g.Output(g.As(g.Named("y", "Flatten", []*onnx.Value{x}), onnx.Float32, onnx.Sides(1, 64)), nil)
	})
	f(`textual/model.onnx: input "text" is float32`, textFile, onnx.Opset, func(g *onnx.Graph) {
		g.Output(g.Named("y", "Relu", []*onnx.Value{g.Input("text", onnx.Float32, onnx.Sides(1, 64))}), nil)
	})
	f("textual/model.onnx: takes a, b; known are one input, or input_ids and attention_mask", textFile, onnx.Opset, func(g *onnx.Graph) {
		a, b := g.Input("a", onnx.Int32, onnx.Sides(1, 16)), g.Input("b", onnx.Int32, onnx.Sides(1, 16))
		g.Output(g.Named("y", "Cast", []*onnx.Value{g.Op("Add", []*onnx.Value{a, b})}, onnx.Int("to", int64(onnx.Float32))), nil)
	})
}

// TestTowersOfTwoModels puts the text tower of other weights beside a picture tower.
func TestTowersOfTwoModels(t *testing.T) {
	refused(t, hub(t, tinyclip.Options{Newer: true}), "pictures and texts of this encoder do not agree", func(folder string) {
		other := hub(t, tinyclip.Options{Newer: true, Seed: 5})
		if err := os.CopyFS(filepath.Join(folder, "swapped"), os.DirFS(filepath.Join(other, "textual"))); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"model.onnx", "model.onnx.data"} {
			if err := os.Rename(filepath.Join(folder, "swapped", name), filepath.Join(folder, "textual", name)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestMaskedTexts adopts the inputs of multilingual text towers.
func TestMaskedTexts(t *testing.T) {
	read, opened := adopted(t, hub(t, tinyclip.Options{Masked: true}))
	if read.Text.Tokens != "input_ids" || read.Text.Mask != "attention_mask" || read.Text.Type != "int64" {
		t.Errorf("manifest %+v", read.Text)
	}
	found := vectors(t, opened)
	if cosine(found[0], found[2]) < 0.8 {
		t.Error("red is not found by red")
	}
}
