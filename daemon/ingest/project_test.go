package ingest

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/plugins/host"
)

// folder has the built fake encoder.
var folder string

func TestMain(m *testing.M) {
	os.Exit(func() (status int) {
		var err error
		if folder, err = os.MkdirTemp("", "vsed-*"); err != nil { // others are too long for a socket
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		if output, err := exec.Command("go", "build", "-o", filepath.Join(folder, "fake"), "vsed/plugins/plugintest/vsed-encoder-fake").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the fake encoder: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

// fakeEncoder starts the fake encoder with flags.
func fakeEncoder(t *testing.T, flags ...string) *host.EncoderHost {
	t.Helper()
	command := host.Command{Name: "fake", Path: filepath.Join(folder, "fake"), Args: flags, RuntimeDir: filepath.Join(folder, "plugins")}
	encoder := host.NewEncoder(command, host.Policy{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { check(t, encoder.Close()) })
	return encoder
}

// feature is what the fake encoder has of a picture.
func feature(values ...float32) []byte {
	raw, _ := binary.Append(nil, binary.LittleEndian, append(values, make([]float32, 16-len(values))...))
	return raw
}

// stored is a library whose photos have these features and vectors in one space.
func stored(t *testing.T, space string, features ...[]byte) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	folder, err := c.AddFolder(t.Context(), "/photos")
	check(t, err)
	before, err := c.Space(t.Context(), "before")
	check(t, err)
	check(t, before.Describe(t.Context(), catalogue.Description{FeatureSpace: space}))
	for i, one := range features {
		stat := catalogue.Stat{Inode: uint64(i + 1), Size: 1}
		check(t, c.Observe(t.Context(), folder.ID, []catalogue.Observation{{Path: fmt.Sprint(i), Stat: stat}}))
		waiting, err := c.Undecoded(t.Context(), nil, 1)
		check(t, err)
		photo, _, err := c.Identify(t.Context(), waiting[0].ID, stat, catalogue.Content{Digest: [32]byte{byte(i + 1)}, Size: 1})
		check(t, err)
		check(t, before.Store(t.Context(), map[int64]catalogue.Embedding{photo: {Vector: []float32{1, 0}, Feature: one}}))
	}
	return c
}

// projectInto makes the vectors of the encoder's space, and gives the photos that are
// left to be read.
func projectInto(t *testing.T, c *catalogue.Catalogue, encoder *host.EncoderHost) (space *catalogue.Space, left []int64) {
	t.Helper()
	about, err := encoder.Describe(t.Context())
	check(t, err)
	space, err = c.Space(t.Context(), about.GetSpace())
	check(t, err)
	check(t, space.Describe(t.Context(), catalogue.Description{FeatureSpace: about.GetFeatureSpace(), LearnedTags: about.GetLearnedTags()}))
	p := New(Parts{Catalogue: c, Targets: []Target{{Space: space, Encoder: encoder, Description: about}}, Log: slog.New(slog.DiscardHandler)})
	if p.Idle() != (about.GetFeatureSpace() == "") {
		t.Error("whether it is idle does not go by what is to be projected")
	}
	check(t, p.project(t.Context(), p.targets[0]))
	if !p.Idle() {
		t.Error("it is not idle afterwards")
	}
	waiting, err := space.Unencoded(t.Context(), nil, 100)
	check(t, err)
	for _, file := range waiting {
		left = append(left, file.Photo)
	}
	slices.Sort(left)
	return space, left
}

func TestDamagedFeaturesAreLeftToTheOrdinaryWay(t *testing.T) {
	red, nan := feature(1), feature(float32(math.NaN()))
	c := stored(t, "fake-float32-16", red, nan, feature(0, 0, 1), red[1:], nil, red)
	encoder := fakeEncoder(t, "--space", "after", "--learned-tags", "reddish,greenish,bluish")
	space, left := projectInto(t, c, encoder)
	if want := []int64{2, 4, 5}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
	changes, err := space.Changed(t.Context(), catalogue.Cursor{}, 100)
	check(t, err)
	for _, change := range changes {
		if made := change.Vector != nil; made == slices.Contains(left, change.Photo) || made && change.Photo == 3 && change.Vector[2] != 1 {
			t.Errorf("photo %d has the vector %v", change.Photo, change.Vector)
		}
	}
	tags, err := space.Learned(t.Context(), 3)
	check(t, err)
	if fmt.Sprint(tags) != "[{bluish 1}]" {
		t.Errorf("learned tags %v", tags)
	}
}

// Any number of features of a wrong length is no fault of the encoder.
func TestFeaturesOfAWrongLengthStopNothing(t *testing.T) {
	sound := feature(1)
	c := stored(t, "fake-float32-16", append(slices.Repeat([][]byte{sound[1:]}, 2*maxDamaged), sound)...)
	if _, left := projectInto(t, c, fakeEncoder(t, "--space", "after")); len(left) != 2*maxDamaged {
		t.Errorf("left are %v, want all but the last", left)
	}
}

func TestFeaturesOfAnotherSpaceAreOfNoUse(t *testing.T) {
	c := stored(t, "another", feature(1), feature(1))
	if _, left := projectInto(t, c, fakeEncoder(t, "--space", "after")); len(left) != 2 {
		t.Errorf("left are %v, want both", left)
	}
}

// An encoder that fails on all features is asked for few of them: the photos are read.
func TestAnEncoderThatFailsOnFeatures(t *testing.T) {
	var features [][]byte
	for range 100 {
		features = append(features, feature(1))
	}
	c := stored(t, "fake-float32-16", features...)
	for _, fault := range []string{"--nan", "--lose", "--no-features"} {
		if _, left := projectInto(t, c, fakeEncoder(t, "--space", "after"+fault, fault)); len(left) != len(features) {
			t.Errorf("%s: %d are left", fault, len(left))
		}
	}
}
