// Package learned makes a bundle of what was learned on a device: the towers of another
// bundle, as they are, with other heads behind them and with tags that were learned. How
// those were learned is not its business; golden vectors are computed anew, so that the
// self-test judges the new encoder as any other.
package learned

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/bundle"
	"vsed/encoders/golden"
	"vsed/encoders/headgraph"
	"vsed/encoders/runtime"
)

// Changes say what of a bundle is to be other than in the one that it is made from.
type Changes struct {
	Name    string
	Version string
	Heads   *heads.File     // nil: as they are
	Maps    *headgraph.Maps // of vectors that are features; nil: none, whatever was there
	Tags    *headgraph.Tags // nil: none, whatever was there
	// MatchFloor of the heads, which move all cosines; 0: as it is.
	MatchFloor float64
}

// The files that are made anew, and where they are from.
const (
	pictureMap = "picture_map.onnx"
	textMap    = "text_map.onnx"
	tagsFile   = "tags.onnx"
	namesFile  = "tags.json"
	sourceName = "learned on this device"
	licence    = "LicenseRef-learned-on-this-device"
)

// Derive makes a bundle in an empty folder out of base, which shares its unchanged files
// where the file system allows.
func Derive(ctx context.Context, base *bundle.Bundle, changes Changes, out string, library *runtime.Library) error {
	err := derive(ctx, base, changes, out, library)
	if err != nil {
		return fmt.Errorf("make the learned encoder: %w", err)
	}
	return nil
}

func derive(ctx context.Context, base *bundle.Bundle, changes Changes, out string, library *runtime.Library) error {
	if changes.Heads == nil && changes.Maps == nil && changes.Tags == nil {
		return errors.New("nothing was learned")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	d := &derivation{base: base, out: out, about: base.Manifest}
	if VectorsAreFeatures(base) {
		d.about.Projection = bundle.Projection{}
	}
	d.about.Name, d.about.Version, d.about.Tags = changes.Name, changes.Version, nil
	d.about.Sources = slices.DeleteFunc(slices.Clone(base.Sources), func(each bundle.Source) bool { return each.Name == sourceName })
	d.about.Sources = append(d.about.Sources, bundle.Source{Name: sourceName, Version: changes.Version, Licence: licence})
	if !strings.HasSuffix(base.Licence, " AND "+licence) {
		d.about.Licence += " AND " + licence
	}
	if changes.MatchFloor != 0 {
		d.about.Score.MatchFloor = changes.MatchFloor
	}
	if err := d.write(changes); err != nil {
		return err
	}
	if err := d.share(); err != nil {
		return err
	}
	return golden.Complete(ctx, golden.Bundle{Folder: out, Manifest: d.about, SourceOf: d.sourceOf, Derived: true}, library, false)
}

// Made reports whether a bundle was made by Derive.
func Made(b *bundle.Bundle) bool {
	return slices.ContainsFunc(b.Sources, func(each bundle.Source) bool { return each.Name == sourceName })
}

// VectorsAreFeatures tells of an encoder whose vectors are its features, but for maps that
// Derive has put between the two.
func VectorsAreFeatures(b *bundle.Bundle) bool {
	return b.FeaturesAreVectors() || b.Projection.Picture == pictureMap && madeHere(b, pictureMap)
}

func madeHere(b *bundle.Bundle, path string) bool {
	return slices.ContainsFunc(b.Files, func(file bundle.File) bool { return file.Path == path && file.Source == sourceName })
}

type derivation struct {
	base  *bundle.Bundle
	out   string
	about bundle.Manifest
	made  []string // files that are not the base's
}

// write writes the files that were learned.
func (d *derivation) write(changes Changes) error {
	if changes.Heads != nil {
		if err := d.writeHeads(changes.Heads); err != nil {
			return err
		}
	}
	if changes.Maps != nil {
		if err := d.writeMaps(changes.Maps); err != nil {
			return err
		}
	}
	if changes.Tags == nil {
		return nil
	}
	if d.about.Features == nil {
		return fmt.Errorf("the encoder %s keeps no features, by which tags are told: use one that does", d.base.Name)
	}
	graph, err := changes.Tags.Graph(d.about.FeatureWidth())
	if err != nil {
		return err
	}
	d.about.Tags = &bundle.Tags{Graph: tagsFile, Names: namesFile}
	if err := d.put(tagsFile, graph); err != nil {
		return err
	}
	d.made = append(d.made, namesFile)
	return bundle.WriteTags(filepath.Join(d.out, namesFile), changes.Tags.Names)
}

func (d *derivation) writeHeads(trained *heads.File) error {
	if d.about.Projection.Text == "" || d.about.Learning == nil {
		return fmt.Errorf("the encoder %s has no heads that others could take the place of", d.base.Name)
	}
	picture, err := os.ReadFile(d.base.Path(d.about.Projection.Picture))
	if err != nil {
		return err
	}
	sentence, err := os.ReadFile(d.base.Path(d.about.Projection.Text))
	if err != nil {
		return err
	}
	if picture, sentence, err = headgraph.WithHeads(picture, sentence, trained); err != nil {
		return err
	}
	d.about.Vector = slices.Clone(d.about.Vector)
	for i, part := range d.about.Vector {
		if part.Name == headgraph.ClassNames {
			d.about.Vector[i].Weight = trained.ClassNames
		}
	}
	return errors.Join(d.put(d.about.Projection.Picture, picture), d.put(d.about.Projection.Text, sentence))
}

// writeMaps puts maps behind towers that had nothing behind them.
func (d *derivation) writeMaps(maps *headgraph.Maps) error {
	if !d.about.FeaturesAreVectors() {
		return fmt.Errorf("the vectors of the encoder %s are not its features, which maps would take", d.base.Name)
	}
	picture, err := maps.Picture.Graph(d.about.Dimensions())
	if err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	sentence, err := maps.Sentence.Graph(d.about.Dimensions())
	if err != nil {
		return fmt.Errorf("sentences: %w", err)
	}
	d.about.Projection = bundle.Projection{Picture: pictureMap, Text: textMap}
	return errors.Join(d.put(pictureMap, picture), d.put(textMap, sentence))
}

func (d *derivation) put(name string, data []byte) error {
	d.made = append(d.made, name)
	path := filepath.Join(d.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// share brings over the base's files that the new bundle has too. What is made anew
// for each bundle is left behind.
func (d *derivation) share() error {
	for _, file := range d.base.Files {
		if slices.Contains(d.made, file.Path) || d.leftBehind(file.Path) {
			continue
		}
		to := filepath.Join(d.out, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if os.Link(d.base.Path(file.Path), to) == nil {
			continue
		}
		if err := copyFile(d.base.Path(file.Path), to); err != nil {
			return err
		}
	}
	return nil
}

// leftBehind tells of golden inputs, and of the tags and maps of a base that had learned
// some.
func (d *derivation) leftBehind(path string) bool {
	if path == d.base.Golden || filepath.Dir(filepath.FromSlash(path)) == golden.Folder {
		return true
	}
	if VectorsAreFeatures(d.base) && (path == pictureMap || path == textMap) && madeHere(d.base, path) {
		return true
	}
	tags := d.base.Tags
	return tags != nil && (path == tags.Graph || path == tags.Names)
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

func (d *derivation) sourceOf(path string) string {
	at := slices.IndexFunc(d.base.Files, func(file bundle.File) bool { return file.Path == path })
	if at < 0 || slices.Contains(d.made, path) {
		return sourceName
	}
	return d.base.Files[at].Source
}
