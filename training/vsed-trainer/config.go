package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"vsed/training/stage"
	"vsed/training/tomlfile"
)

// config is a run's file; what it does not name keeps its default.
type config struct {
	Library string       `toml:"library" json:"library"` // libonnxruntime
	Bundle  string       `toml:"bundle" json:"bundle"`   // folder of the encoder whose features are learned on
	Kept    string       `toml:"kept" json:"kept"`       // folder for heads of stage I, which no run with the same settings learns again
	Data    dataConfig   `toml:"data" json:"data"`
	Model   modelConfig  `toml:"model" json:"model"`
	One     stage.One    `toml:"stage1" json:"stage1"`
	Two     stage.Two    `toml:"stage2" json:"stage2"`
	Replay  replayConfig `toml:"replay" json:"replay"`
}

// dataConfig says where captioned and tagged photos and their features are.
type dataConfig struct {
	Captions         string `toml:"captions" json:"captions"`                   // captions.tsv of the photos to learn from, Karpathy's .json or VSE++'s .txt
	DevCaptions      string `toml:"dev_captions" json:"dev_captions"`           // and of those that choose; not read where captions has splits
	CaptionFeatures  string `toml:"caption_features" json:"caption_features"`   // of both, by vsed-features, or NumPy's where it ends in .npy
	DevFeatures      string `toml:"dev_features" json:"dev_features"`           // of those that choose, where they are in another file
	SentenceFeatures string `toml:"sentence_features" json:"sentence_features"` // of the captions where the photos' are NumPy's, made where it lacks some
	Tags             string `toml:"tags" json:"tags"`                           // tags.tsv
	DevTagged        string `toml:"dev_tagged" json:"dev_tagged"`               // names of the photos of it that choose
	TagFeatures      string `toml:"tag_features" json:"tag_features"`
	Views            int    `toml:"views" json:"views"`                 // how many other forms of the photos to learn from
	ViewFeatures     string `toml:"view_features" json:"view_features"` // theirs, %d for the number
	WordFeatures     string `toml:"word_features" json:"word_features"` // of the captions' words, made where it lacks some
}

// modelConfig are the sizes of the heads.
type modelConfig struct {
	Parts          int `toml:"parts" json:"parts"` // of the picture feature, from the first
	PictureHidden  int `toml:"picture_hidden" json:"picture_hidden"`
	SentenceHidden int `toml:"sentence_hidden" json:"sentence_hidden"`
	Dimensions     int `toml:"dimensions" json:"dimensions"`
}

// width is that of the feature's first parts.
func (m modelConfig) width(parts []int) (sum int) {
	for _, width := range parts[:min(m.Parts, len(parts))] {
		sum += width
	}
	return sum
}

func defaults() config {
	return config{
		Library: "build/lib/libonnxruntime.so.1", Bundle: "build/encoders/builtin", Kept: "build/training",
		Data: dataConfig{
			Captions: "../shared/data/flickr8k/captions.train.tsv", DevCaptions: "../shared/data/flickr8k/captions.dev.tsv",
			CaptionFeatures: "build/training/flickr8k.features", SentenceFeatures: "build/training/sentences.features",
			Tags: "../shared/data/corel5k/tags.tsv", DevTagged: "../shared/data/corel5k/dev.txt",
			TagFeatures: "build/training/corel5k.features", Views: 3, ViewFeatures: "build/training/flickr8k.view-%d.features", WordFeatures: "build/training/flickr8k.words.features",
		},
		Model: modelConfig{Parts: 3, PictureHidden: 1024, SentenceHidden: 512, Dimensions: 256},
		One:   stage.DefaultOne(), Two: stage.DefaultTwo(), Replay: defaultReplay(),
	}
}

// readConfig reads a file over the defaults; without one they stay.
func readConfig(path string) (config, error) {
	c := defaults()
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if err = tomlfile.Decode(data, &c); err == nil {
		err = c.check()
	}
	if err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// check covers what needs no data, so that it is known before they are read.
func (c config) check() error {
	m, r := c.Model, c.Replay
	switch {
	case !slices.Contains(stage.Losses(), c.One.Loss):
		return fmt.Errorf("stage1.loss %q is none of %s", c.One.Loss, strings.Join(stage.Losses(), ", "))
	case m.Parts < 1 || !sizes(m.PictureHidden, m.SentenceHidden, m.Dimensions):
		return fmt.Errorf("model.parts must be 1 or more, model.picture_hidden, model.sentence_hidden and model.dimensions from 1 to %d", mostSize)
	case c.One.Margin < 0 || c.One.Tags < 0 || c.Two.LeastSteps < 0 || c.Two.Replay < 0 || c.Two.Replayed < 0 || c.Two.Vocabulary < 0:
		return errors.New("stage1.margin and stage1.tags, stage2.least_steps, stage2.replay, stage2.replayed and stage2.vocabulary must be 0 or more")
	case !sizes(c.One.Batch, c.Two.Batch, max(1, c.Two.Replay)):
		return fmt.Errorf("stage1.batch, stage2.batch and stage2.replay: up to %d can be run", mostSize)
	case c.Data.Views < 0:
		return fmt.Errorf("data.views %d is below 0", c.Data.Views)
	case r.Pictures < 1 || r.Captions < 1 || r.Each < 1 || !(r.Coarse > 0) || !(r.Fine > 0) || !(r.Guard > 0):
		return errors.New("replay.pictures, replay.captions and replay.each must be 1 or more, replay.coarse, replay.fine and replay.guard above 0")
	}
	for i, rates := range []stage.Rates{c.One.Rates, c.Two.Rates} {
		if !(rates.Rate > 0) || rates.Decay < 0 || rates.WarmUp < 0 || rates.WarmUp > 1 || rates.Threads < 1 || rates.Threads > mostThreads {
			return fmt.Errorf("stage%[1]d.rate must be above 0, stage%[1]d.decay 0 or more, stage%[1]d.warm_up from 0 to 1, stage%[1]d.threads from 1 to %[2]d", i+1, mostThreads)
		}
	}
	return nil
}

// Bounds of what a slip of the pen would ask of memory.
const (
	mostSize    = 1 << 14
	mostThreads = 256
)

func sizes(values ...int) bool { return slices.Min(values) >= 1 && slices.Max(values) <= mostSize }
