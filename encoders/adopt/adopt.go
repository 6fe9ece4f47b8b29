// Package adopt makes a bundle of a model as it lies on a hub: it reads the model's
// configuration and its graphs, and writes manifest.json and golden inputs beside
// them. The layout is that of the immich-app repositories on Hugging Face, of which
// there are two generations; types, layout, batch and names come from the graphs.
//
// It belongs to a throw-away process: the files are a stranger's. It downloads
// nothing.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vsed/encoders/bundle"
	"vsed/encoders/golden"
	"vsed/encoders/runtime"
)

// About is what the model's files do not say of it, for people. Empty fields take
// the folder's name, or "unknown".
type About struct {
	Name    string
	Version string // or revision
	Licence string
	Source  string // where it was downloaded from

	// Language is the piece before each text, such as "deu_Latn", for a tokenizer that
	// knows several; "" takes English there.
	Language string
}

func (a About) withDefaults(folder string) About {
	set := func(field *string, otherwise string) {
		if strings.TrimSpace(*field) == "" {
			*field = otherwise
		}
	}
	set(&a.Name, filepath.Base(filepath.Clean(folder)))
	set(&a.Version, "unknown")
	set(&a.Licence, "unknown")
	set(&a.Source, a.Name)
	return a
}

// maximumBatch is the most pictures in one run of a graph that takes any number.
const maximumBatch = 16

// The files of the layout.
const (
	configFile     = "config.json"
	preprocessFile = "visual/preprocess_cfg.json"
	pictureFile    = "visual/model.onnx"
	textFile       = "textual/model.onnx"
	tokenizerFile  = "textual/tokenizer.json"
	tokensFile     = "textual/tokenizer_config.json"
)

// Adopt completes the bundle in a folder. Its errors name the file and the field.
// On an error nothing of what it wrote is left.
func Adopt(ctx context.Context, folder string, about About, library *runtime.Library) error {
	if _, err := os.Stat(filepath.Join(folder, bundle.ManifestName)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has a %s already", folder, bundle.ManifestName)
	}
	about = about.withDefaults(folder)
	manifest, err := read(folder, about)
	if err != nil {
		return err
	}
	err = golden.Complete(ctx, golden.Bundle{
		Folder: folder, Manifest: *manifest,
		SourceOf: func(path string) string { return sourceOf(manifest, path, about.Source) },
	}, library, true)
	if err != nil {
		return errors.Join(err, clean(folder))
	}
	return nil
}

// clean removes what golden.Complete writes.
func clean(folder string) error {
	return errors.Join(
		os.RemoveAll(filepath.Join(folder, golden.Folder)), os.RemoveAll(filepath.Join(folder, golden.File)),
		os.RemoveAll(filepath.Join(folder, bundle.ManifestName)))
}

// sourceOf leaves files for other runtimes out of the bundle.
func sourceOf(manifest *bundle.Manifest, path, source string) string {
	used := append([]string{
		configFile, preprocessFile, pictureFile, textFile, tokenizerFile, tokensFile, golden.File,
	}, append(manifest.Picture.Graph.Weights, manifest.Text.Graph.Weights...)...)
	for _, each := range used {
		if path == each {
			return source
		}
	}
	if strings.HasPrefix(path, golden.Folder+"/") {
		return source
	}
	return ""
}

// read makes the manifest, but for golden inputs and calibration.
func read(folder string, about About) (*bundle.Manifest, error) {
	config, err := readConfig(folder)
	if err != nil {
		return nil, err
	}
	picture, precision, err := readPicture(folder, config)
	if err != nil {
		return nil, err
	}
	text, err := readText(folder, config, about.Language)
	if err != nil {
		return nil, err
	}
	return &bundle.Manifest{
		Name: about.Name, Version: about.Version, Licence: about.Licence,
		Sources: []bundle.Source{{Name: about.Source, Version: about.Version, Licence: about.Licence}},
		Picture: *picture, Text: *text, Precision: precision,
		Vector:   []bundle.VectorPart{{Name: "embedding", Dimensions: config.Dimensions, Weight: 1}},
		Features: bundle.VectorFeatures(config.Dimensions),
	}, nil
}
