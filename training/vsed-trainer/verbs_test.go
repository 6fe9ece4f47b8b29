package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/feature"
	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/training/features"
)

// things are what made-up photos show: two each.
var things = []string{"dog", "boat", "tree", "child", "bridge", "horse"}

// showing are the places of the things on a photo.
func showing(photo int) (a, b int) {
	a = photo % len(things)
	return a, (a + 1 + a%2) % len(things)
}

// camera sees in a file, which holds the photo's number, features that tell the things.
type camera struct{ widths []int }

func (camera) Decode(_ context.Context, photo *os.File, _ host.DecodeRequest) (*host.Decoded, error) {
	number := make([]byte, 1)
	_, err := photo.Read(number)
	return &host.Decoded{Pictures: [][]byte{number}}, err
}

func (c camera) EncodePictures(_ context.Context, pictures [][]byte) (list []*contract.Embedding, err error) {
	for _, picture := range pictures {
		a, b := showing(int(picture[0]))
		noise := rand.New(rand.NewPCG(uint64(picture[0]), 1))
		var values []float32
		for _, width := range c.widths {
			for i := range width {
				value := noise.Float32()
				if thing := i % len(things); thing == a || thing == b {
					value += 1
				}
				values = append(values, value)
			}
		}
		list = append(list, &contract.Embedding{Feature: feature.Quantise(values, c.widths)})
	}
	return list, nil
}

// madeUp writes sets of photos with captions and with tags, and their features by the
// built-in encoder's sentences, and gives the configuration for them.
func madeUp(t *testing.T) (path string) {
	t.Helper()
	folder := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	library := runtimetest.Path(t)
	about, err := bundle.Read(filepath.Join(root, "build/encoders/builtin"))
	if err != nil {
		t.Skip("no built-in encoder: run `make model` first")
	}
	place := func(name string) string { return filepath.Join(folder, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(place(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := map[string]string{}
	var names, texts []string
	for photo := range 100 {
		name, list := fmt.Sprintf("%d.jpg", photo), "train.tsv"
		a, b := showing(photo)
		write(name, string([]byte{byte(photo)}))
		names = append(names, name)
		switch {
		case photo < 40:
		case photo < 55:
			list = "dev.tsv"
		default:
			lines["tags.tsv"] += fmt.Sprintf("%s\t%s,%s\n", name, things[a], things[b])
			if photo >= 80 {
				lines["dev.txt"] += name + "\n"
			}
			continue
		}
		for _, caption := range []string{fmt.Sprintf("a %s and a %s", things[a], things[b]), fmt.Sprintf("the %s by the %s", things[b], things[a])} {
			lines[list] += fmt.Sprintf("%s\t%s\n", name, caption)
			texts = append(texts, caption)
		}
	}
	for name, text := range lines {
		write(name, text)
	}
	loaded, err := runtime.Load([]string{library})
	if err != nil {
		t.Fatal(err)
	}
	sentences, err := encoder.OpenSentences(t.Context(), filepath.Join(root, "build/encoders/builtin"), about.Text, loaded)
	if err != nil {
		t.Fatal(err)
	}
	defer sentences.Close()
	store, err := features.Create(place("all.features"), features.Origin{Space: about.FeatureSpace(), Encoder: about.Name, Bundle: about.Digest(), Widths: about.Widths(), TextWidth: 384})
	if err != nil {
		t.Fatal(err)
	}
	silent := func(features.Progress) {}
	see := camera{about.Widths()}
	if _, err := store.AddPictures(t.Context(), features.Camera{Decoders: []features.Decoder{see}, Encoder: see, Format: &contract.PictureFormat{}, Batch: 8}, folder, names, silent); err != nil {
		t.Fatal(err)
	}
	if err := store.AddSentences(t.Context(), sentences, 2, slices.Concat(texts, things), silent); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	write("run.toml", fmt.Sprintf(`library = %q
bundle = %q
kept = %q
[data]
captions = %q
dev_captions = %q
caption_features = %[6]q
tags = %q
dev_tagged = %q
tag_features = %[6]q
views = 0
word_features = %[9]q
[model]
picture_hidden = 32
sentence_hidden = 32
dimensions = 16
[stage1]
epochs = 20
batch = 20
threads = 1
[stage2]
epochs = 4
least_steps = 20
batch = 10
replay = 20
threads = 1
[replay]
pictures = 30
captions = 20
each = 2
coarse = 1.0
fine = 0.5
guard = 0.5
`, library, filepath.Join(root, "build/encoders/builtin"), place("kept"), place("train.tsv"), place("dev.tsv"), place("all.features"),
		place("tags.tsv"), place("dev.txt"), place("words.features")))
	return place("run.toml")
}

// TestVerbs goes the whole way: heads and what is replayed, stage I and stage II into
// run folders, and the table.
func TestVerbs(t *testing.T) {
	config := madeUp(t)
	folder := t.TempDir()
	place := func(parts ...string) string { return filepath.Join(append([]string{folder}, parts...)...) }
	f := func(arguments ...string) {
		t.Helper()
		if err := run(t.Context(), arguments); err != nil {
			t.Fatal(err)
		}
	}
	f("heads", "--config", config, "--out", place("heads.bin"), "--replay", place("replay.bin"))
	f("stage1", "--config", config, "--out", place("one"))
	f("stage2", "--config", config, "--from", place("one", weightsFile), "--replay", place("replay.bin"), "--count", "20", "--out", place("two"))
	var report struct{ Before, After []measured }
	data, err := os.ReadFile(place("two", "report.json"))
	if err == nil {
		err = json.Unmarshal(data, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Heads alone have learned what a photo shows from captions and go on with tags.
	if before, after := report.Before[0].Single.MAP.Value, report.After[0].Single.MAP.Value; before < 60 || after < before-5 {
		t.Errorf("single tags %.1f before, %.1f after", before, after)
	}
	for _, one := range []string{"one", "two"} {
		files, err := os.ReadDir(place(one))
		var names []string
		for _, file := range files {
			names = append(names, file.Name())
		}
		if want := "config.json curves.json curves.svg heads.bin report.json weights.bin"; err != nil || strings.Join(names, " ") != want {
			t.Errorf("folder %s has %v, want %v; error %v", one, names, want, err)
		}
	}
	// What cannot run leaves no folder behind, and the folder of another run as it is.
	refuse := func(problem, changes string, arguments ...string) {
		t.Helper()
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		section, _, _ := strings.Cut(changes, "\n")
		path := place("changed.toml")
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), section, changes, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		err = run(t.Context(), append(arguments, "--config", path))
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q %v: error %v", changes, arguments, err)
		}
		if _, err := os.Stat(place("none")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q %v: a run folder, %v", changes, arguments, err)
		}
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, place("wide.toml"), strings.Replace(string(text), "pictures = 30", "pictures = 9999", 1))
	if err := run(t.Context(), []string{"heads", "--config", place("wide.toml"), "--out", place("none")}); err == nil || !strings.Contains(err.Error(), "replay.pictures 9999") {
		t.Errorf("more components than photos: error %v", err)
	}
	refuse("another configuration", "[stage1]\nseed = 7", "stage1", "--out", place("one"))
	refuse("is none of", "[stage1]\nloss = \"hinge\"", "stage1", "--out", place("none"))
	refuse("stage1: a batch of 20 pairs cannot have 3 captions", "[stage1]\ncaptions = 3", "stage1", "--out", place("none"))
	refuse("absent.bin", "", "stage2", "--out", place("none"), "--replay", place("absent.bin"), "--from", place("one", weightsFile))
	refuse("absent.bin", "", "stage2", "--out", place("none"), "--replay", place("replay.bin"), "--from", place("absent.bin"))
	refuse("stage2: dropout", "[stage2]\ndropout = 1.0", "stage2", "--out", place("none"), "--replay", "", "--from", place("one", weightsFile))
	f("evaluate", "--config", config, "--seeds", "2", "--replay", place("replay.bin"))
	f("evaluate", "--config", config, "--seeds", "1", "--vectors-only")
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(config), "kept", "*.heads"))
	if err != nil || len(kept) != 2 { // of seed 0 they were there
		t.Errorf("heads kept: %v, %v", kept, err)
	}
}
