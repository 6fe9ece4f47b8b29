// Package experiment runs the model of package joint on data sets, as a configuration
// says: it reads photos' stored features with captions and tags, numbers the words,
// takes both stages, and measures on the development photos. What is measured against
// what, the ablations, are configurations, too. It knows no loss and no gradient; no
// photo is read.
package experiment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"vsed/training/joint"
	"vsed/training/tomlfile"
)

// Config is an experiment's file; what it does not name keeps its default.
type Config struct {
	Library string         `toml:"library" json:"library"` // libonnxruntime
	Loss    string         `toml:"loss" json:"loss"`       // of both stages
	Data    Data           `toml:"data" json:"data"`
	Web     Web            `toml:"web" json:"web"`
	Model   Model          `toml:"model" json:"model"`
	One     joint.Settings `toml:"stage1" json:"stage1"`
	Two     joint.Settings `toml:"stage2" json:"stage2"`
}

// Data says which photos are learned from with their captions, and which ones judge.
type Data struct {
	Captions     string `toml:"captions" json:"captions"`           // captions.tsv, one of Karpathy's files where it ends in .json, VSE++'s where in .txt
	DevCaptions  string `toml:"dev_captions" json:"dev_captions"`   // of those that judge; not read where captions has splits
	TestCaptions string `toml:"test_captions" json:"test_captions"` // of those that are measured on once all is learned; likewise
	Features     string `toml:"features" json:"features"`           // of all, by vsed-features, or NumPy's where it ends in .npy
	DevFeatures  string `toml:"dev_features" json:"dev_features"`   // of DevCaptions' photos, where they are in another file
	TestFeatures string `toml:"test_features" json:"test_features"` // and of TestCaptions'
	Parts        int    `toml:"parts" json:"parts"`                 // of a picture's feature, from the first
	Captioned    int    `toml:"captioned" json:"captioned"`         // photos whose captions are learned from, drawn always the same; 0: all
}

// Froms are the names that Web.From may have.
func Froms() []string { return []string{"none", "rest", "own", "set"} }

// Web says which photos stage II learns from.
type Web struct {
	// From is "none": there is no stage II; "rest": the photos of which no caption is
	// learned, their captions' content words as tags; "own": those with captions again,
	// the control; "set": those of Tags.
	From     string  `toml:"from" json:"from"`
	Tags     string  `toml:"tags" json:"tags"`         // tags.tsv
	Features string  `toml:"features" json:"features"` // of its photos
	Part     float64 `toml:"part" json:"part"`         // of the photos
	Noise    float64 `toml:"noise" json:"noise"`       // part of the tags that others stand for
}

// Model are the sizes.
type Model struct {
	Joint int `toml:"joint" json:"joint"`
	Word  int `toml:"word" json:"word"` // values of a word's vector; the file's where there is one
	// Floor is how many captions, or tagged photos, must have a word for it to be
	// learned; others are unknown.
	Floor   int    `toml:"floor" json:"floor"`
	Vectors string `toml:"vectors" json:"vectors"` // words' vectors to begin from, as GloVe's or word2vec's text; empty: drawn
}

// Defaults are what was best on the development photos, where docs/learning.md says so,
// and otherwise what VSE++'s code has.
func Defaults() Config {
	one := joint.Settings{
		Margin: .3, Temperature: .07, Epochs: 12, Captioned: 128, Captions: 1, Tags: 1, Web: 1,
		Rate: 2e-3, TenthAfter: 9, Clip: 2, WarmUp: 4, Noise: .4, Unknown: .05, MostTags: 4, Sharing: "all", Length: 16, Threads: 1,
	}
	two := one
	two.Epochs, two.TenthAfter, two.Rate, two.WarmUp, two.Tagged, two.PerEpoch, two.Curriculum = 8, 6, 1e-3, 0, 128, 40, .5
	return Config{
		Library: "build/lib/libonnxruntime.so.1", Loss: "vse",
		Data: Data{
			Captions: "../shared/data/flickr8k/captions.train.tsv", DevCaptions: "../shared/data/flickr8k/captions.dev.tsv",
			Features: "build/training/flickr8k.features", Parts: 3, Captioned: 1000,
		},
		Web: Web{From: "rest", Part: 1}, Model: Model{Joint: 128, Word: 300, Floor: 2, Vectors: "build/training/words.txt"}, One: one, Two: two,
	}
}

// Read reads a file over the defaults; without one they stay.
func Read(path string) (Config, error) {
	c := Defaults()
	if path == "" {
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if err := c.Set(string(text)); err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Set changes the configuration by TOML, which may hold what it changes only.
func (c *Config) Set(text string) error {
	if err := tomlfile.Decode([]byte(text), c); err != nil {
		return err
	}
	return c.check()
}

// check covers all that needs no data: a fault of stage II is not to be found when
// stage I has run.
func (c *Config) check() error {
	switch {
	case !slices.Contains(Froms(), c.Web.From):
		return fmt.Errorf("web.from %q is none of %s", c.Web.From, strings.Join(Froms(), ", "))
	case c.Web.From == "set" && (c.Web.Tags == "" || c.Web.Features == ""):
		return errors.New(`web.from "set" wants web.tags and web.features`)
	case !(c.Web.Part > 0) || c.Web.Part > 1 || c.Web.Noise < 0 || c.Web.Noise > 1:
		return fmt.Errorf("web.part %v lies above 0, web.noise %v from 0, both up to 1", c.Web.Part, c.Web.Noise)
	case c.Data.Captioned < 0 || c.Data.Parts < 1 || c.Model.Joint < 1 || c.Model.Word < 1 || c.Model.Floor < 1:
		return errors.New("data.captioned must be 0 or more, data.parts, model.joint, model.word and model.floor 1 or more")
	case max(c.Model.Joint, c.Model.Word) > mostSize:
		return fmt.Errorf("model.joint %d and model.word %d: up to %d can be run", c.Model.Joint, c.Model.Word, mostSize)
	case !slices.Contains(joint.Losses(), c.Loss):
		return fmt.Errorf("loss %q is none of %s", c.Loss, strings.Join(joint.Losses(), ", "))
	case c.One.Loss != "" || c.Two.Loss != "":
		return errors.New("loss stands above the stages: both have one")
	}
	if err := c.stageOne(0).Check(); err != nil {
		return fmt.Errorf("stage1: %w", err)
	}
	if err := c.stageTwo(0).Check(); err != nil && c.Web.From != "none" {
		return fmt.Errorf("stage2: %w", err)
	}
	return nil
}

// mostSize bounds what a slip of the pen would ask of memory.
const mostSize = 1 << 14

// stageOne gives the settings of stage I, which has captioned photos alone.
func (c *Config) stageOne(seed uint64) joint.Settings {
	s := c.One
	s.Loss, s.Seed, s.Tagged = c.Loss, seed, 0
	return s
}

// stageTwo gives those of stage II.
func (c *Config) stageTwo(seed uint64) joint.Settings {
	s := c.Two
	s.Loss, s.Seed = c.Loss, seed
	return s
}
