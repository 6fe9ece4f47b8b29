package learned

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/adopt"
	"vsed/encoders/bundle"
	"vsed/encoders/headgraph"
	"vsed/encoders/runtime/runtimetest"
	"vsed/encoders/tinyclip"
)

// swapped is a map that leaves most of a vector, but for a little of the next value.
func swapped(width int) headgraph.Map {
	m := headgraph.Map{Weights: make([]float32, width*width), Offset: make([]float32, width)}
	for i := range width {
		m.Weights[i*width+i] = 1
		m.Weights[i*width+(i+1)%width] = .2
	}
	return m
}

// TestDerivedMaps puts maps behind a model of a hub, exchanges them, and takes them back.
func TestDerivedMaps(t *testing.T) {
	library := runtimetest.Load(t)
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := tinyclip.Write(folder, tinyclip.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := adopt.Adopt(t.Context(), folder, adopt.About{}, library); err != nil {
		t.Fatal(err)
	}
	read := func(folder string) *bundle.Bundle {
		t.Helper()
		b, err := bundle.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(); err != nil {
			t.Error(err)
		}
		return b
	}
	derive := func(from *bundle.Bundle, changes Changes) *bundle.Bundle {
		t.Helper()
		out := filepath.Join(t.TempDir(), "bundle")
		if err := Derive(t.Context(), from, changes, out, library); err != nil {
			t.Fatal(err)
		}
		return read(out)
	}
	base := read(folder)
	width := base.Dimensions()
	maps := &headgraph.Maps{Picture: swapped(width), Sentence: swapped(width)}
	first := derive(base, Changes{Name: "learned-1", Version: "1", Maps: maps, Tags: drawnTags(width, "x")})
	if first.Projection.Picture == "" || first.Projection.Text == "" || first.FeaturesAreVectors() || !VectorsAreFeatures(first) || first.FeatureSpace() != base.FeatureSpace() {
		t.Errorf("projection %+v, space of features %s", first.Projection, first.FeatureSpace())
	}
	pictures := goldenPictures(t, base)
	before, mapped := embed(t, base, library, pictures), embed(t, first, library, pictures)
	if slices.Equal(before[0].vector, mapped[0].vector) || mapped[0].tags == 0 {
		t.Error("the maps change nothing, or no tag is told")
	}
	second := derive(first, Changes{Name: "learned-2", Version: "2", Maps: maps})
	if got := embed(t, second, library, pictures); !slices.Equal(got[0].vector, mapped[0].vector) || second.Tags != nil {
		t.Error("the same maps in place of themselves give another vector")
	}
	third := derive(second, Changes{Name: "learned-3", Version: "3", Tags: drawnTags(width, "x")})
	if got := embed(t, third, library, pictures); !slices.Equal(got[0].vector, before[0].vector) || third.Projection != (bundle.Projection{}) || exists(third.Path(pictureMap)) {
		t.Error("without maps the vectors are not what they were")
	}
	f := func(want string, from *bundle.Bundle, width int) {
		t.Helper()
		err := Derive(t.Context(), from, Changes{Name: "x", Version: "1", Maps: &headgraph.Maps{Picture: swapped(width), Sentence: swapped(width)}}, t.TempDir(), library)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("is none of vectors of 64 values", base, 63)
	without := *base
	without.Features = nil
	f("are not its features", &without, width)
}

// TestASentencesProjectionStays where the pictures have none: maps would take its place.
func TestASentencesProjectionStays(t *testing.T) {
	library := runtimetest.Load(t)
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := tinyclip.Write(folder, tinyclip.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := adopt.Adopt(t.Context(), folder, adopt.About{}, library); err != nil {
		t.Fatal(err)
	}
	base, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	width := base.Dimensions()
	graph, err := swapped(width).Graph(width)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base.Path("sentences.onnx"), graph, 0o600); err != nil {
		t.Fatal(err)
	}
	about := base.Manifest
	about.Projection.Text = "sentences.onnx"
	if err := bundle.Write(folder, about, func(string) string { return base.Sources[0].Name }); err != nil {
		t.Fatal(err)
	}
	if base, err = bundle.Read(folder); err != nil {
		t.Fatal(err)
	}
	if VectorsAreFeatures(base) {
		t.Error("what the text graph gives is taken for a vector")
	}
	out := t.TempDir()
	if err := Derive(t.Context(), base, Changes{Name: "learned-1", Version: "1", Tags: drawnTags(width, "x")}, out, library); err != nil {
		t.Fatal(err)
	}
	made, err := bundle.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if made.Projection != base.Projection || !exists(made.Path("sentences.onnx")) {
		t.Errorf("projection %+v, want %+v", made.Projection, base.Projection)
	}
	err = Derive(t.Context(), base, Changes{Name: "x", Version: "1", Maps: &headgraph.Maps{Picture: swapped(width), Sentence: swapped(width)}}, t.TempDir(), library)
	if err == nil || !strings.Contains(err.Error(), "are not its features") {
		t.Errorf("maps in its place: %v", err)
	}
}
