package learned

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/headgraph"
	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
)

// builtin gives what `make model` made.
func builtin(t *testing.T) (*bundle.Bundle, *runtime.Library) {
	t.Helper()
	library := runtimetest.Load(t)
	base, err := bundle.Read("../../build/encoders/builtin")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no built-in bundle: run `make model` first")
	}
	if err != nil {
		t.Fatal(err)
	}
	if base.Learning == nil {
		t.Skip("the built-in bundle has no heads to learn from: run `make model`, without HEADS=none")
	}
	return base, library
}

// drawnTags has weights that anyone can draw alike.
func drawnTags(width int, names ...string) *headgraph.Tags {
	tags := &headgraph.Tags{Names: names, Slope: 2, Bend: .05, Bias: make([]float32, len(names)), Offset: make([]float32, len(names))}
	for i := range tags.Offset {
		tags.Offset[i] = 5 // a picture that nothing speaks for has it, too
	}
	for i := range len(names) * width {
		tags.Weights = append(tags.Weights, float32(math.Sin(float64(i))))
	}
	return tags
}

func width(b *bundle.Bundle) (sum int) {
	for _, part := range b.Widths() {
		sum += part
	}
	return sum
}

// TestDerivedBundles changes heads and tags, then takes them back, over the towers of the
// built-in encoder.
func TestDerivedBundles(t *testing.T) {
	if testing.Short() {
		t.Skip("makes three bundles, which takes seconds")
	}
	base, library := builtin(t)
	trained, err := heads.Read(base.Path(base.Learning.Heads))
	if err != nil {
		t.Fatal(err)
	}
	derive := func(from *bundle.Bundle, changes Changes) *bundle.Bundle {
		t.Helper()
		out := filepath.Join(t.TempDir(), "bundle")
		if err := Derive(t.Context(), from, changes, out, library); err != nil {
			t.Fatal(err)
		}
		read, err := bundle.Read(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Verify(); err != nil {
			t.Error(err)
		}
		return read
	}
	other := *trained
	other.ClassNames = .5
	for i := range other.Picture.Output.Offset {
		other.Picture.Output.Offset = slices.Clone(other.Picture.Output.Offset)
		other.Picture.Output.Offset[i] += .01
	}
	first := derive(base, Changes{Name: "learned-1", Version: "1", Heads: &other, Tags: drawnTags(width(base), "Omas Garten", "犬"), MatchFloor: .3})
	if first.Space() == base.Space() || first.FeatureSpace() != base.FeatureSpace() {
		t.Errorf("spaces %s and %s, of the base %s and %s", first.Space(), first.FeatureSpace(), base.Space(), base.FeatureSpace())
	}
	if first.Name != "learned-1" || first.Score.MatchFloor != .3 || first.Vector[1].Weight != .5 || !strings.HasSuffix(first.Licence, "AND "+licence) {
		t.Errorf("manifest %+v", first.Manifest)
	}
	for _, name := range []string{"image.onnx", "text.onnx", base.Learning.Heads} {
		if !sameFile(t, base.Path(name), first.Path(name)) {
			t.Errorf("%s takes its room twice", name)
		}
	}
	if Made(base) || !Made(first) {
		t.Error("a learned bundle is not told from another")
	}
	pictures := goldenPictures(t, base)
	before, after := embed(t, base, library, pictures), embed(t, first, library, pictures)
	if after[0].tags == 0 || before[0].tags != 0 {
		t.Errorf("%d learned tags, of the base %d", after[0].tags, before[0].tags)
	}
	if slices.Equal(before[0].vector, after[0].vector) {
		t.Error("other heads give the same vectors")
	}

	second := derive(first, Changes{Name: "learned-2", Version: "2", Heads: trained, Tags: drawnTags(width(base), "x")})
	if names, err := second.LearnedTags(); err != nil || !slices.Equal(names, []string{"x"}) || second.Licence != first.Licence || len(second.Sources) != len(first.Sources) {
		t.Errorf("tags %q, %v, licence %s, sources %v", names, err, second.Licence, second.Sources)
	}
	for i, found := range embed(t, second, library, pictures) {
		if !slices.Equal(found.vector, before[i].vector) {
			t.Errorf("picture %d: the heads of old give another vector", i)
		}
	}

	third := derive(second, Changes{Name: "learned-3", Version: "3", Heads: &other})
	if third.Tags != nil || third.Path("tags.json") == "" || exists(third.Path("tags.json")) || exists(third.Path("tags.onnx")) {
		t.Error("tags of the base stay where none were learned")
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	var infos [2]os.FileInfo
	for i, path := range []string{a, b} {
		var err error
		if infos[i], err = os.Stat(path); err != nil {
			t.Fatal(err)
		}
	}
	if infos[0].Sys().(*syscall.Stat_t).Dev != infos[1].Sys().(*syscall.Stat_t).Dev {
		t.Log("the bundle lies on another file system, so that its files were copied")
		return infos[0].Size() == infos[1].Size()
	}
	return os.SameFile(infos[0], infos[1])
}

func goldenPictures(t *testing.T, b *bundle.Bundle) (pictures [][]byte) {
	t.Helper()
	inputs, err := b.ReadGolden()
	if err != nil {
		t.Fatal(err)
	}
	for _, picture := range inputs.Pictures {
		pixels, err := b.Pixels(picture)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, pixels)
	}
	return pictures
}

type embedded struct {
	vector []float32
	tags   int
}

func embed(t *testing.T, b *bundle.Bundle, library *runtime.Library, pictures [][]byte) (found []embedded) {
	t.Helper()
	e, err := encoder.Open(t.Context(), b, library, encoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	embeddings, err := e.EncodePictures(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range embeddings {
		found = append(found, embedded{each.Vector, len(each.Tags)})
	}
	return found
}

func TestWhatCannotBeDerived(t *testing.T) {
	base, library := builtin(t)
	without := *base
	without.Learning = nil
	hub := *base
	hub.Features, hub.Learning = nil, nil
	trained, err := heads.Read(base.Path(base.Learning.Heads))
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, from *bundle.Bundle, changes Changes) {
		t.Helper()
		err := Derive(t.Context(), from, changes, t.TempDir(), library)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("nothing was learned", base, Changes{Name: "x", Version: "1"})
	f("has no heads", &without, Changes{Name: "x", Version: "1", Heads: trained})
	f("keeps no features", &hub, Changes{Name: "x", Version: "1", Tags: drawnTags(width(base), "x")})
	f("12 weights", base, Changes{Name: "x", Version: "1", Tags: drawnTags(12, "x")})
	f("stands twice", base, Changes{Name: "x", Version: "1", Tags: drawnTags(width(base), "x", "x")})
	f("name is missing", base, Changes{Version: "1", Tags: drawnTags(width(base), "x")})
	smaller := *trained
	smaller.Picture.Output = heads.NewLayer(1024, 3, make([]float32, 3*1024), make([]float32, 3))
	f("picture head: constant", base, Changes{Name: "x", Version: "1", Heads: &smaller})
}
