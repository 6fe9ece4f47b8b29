package main

import (
	"context"
	"errors"
	"fmt"

	"vsed/training/corpus"
	"vsed/training/dataset"
	"vsed/training/features"
	"vsed/training/model"
	"vsed/training/stage"
)

// captioned are photos with captions, in the form that heads take, and the photos'
// stored features.
type captioned struct {
	stage.Captioned
	names     []string
	texts     [][]string // captions of each photo
	stored    *features.Pictures
	sentences [][]float32 // features of the captions, of unit length
}

// readCaptioned reads the photos that are learned from, and those that choose.
func (w *workshop) readCaptioned(ctx context.Context) error {
	d := w.Data
	learn, dev, err := corpus.Files{
		Captions: d.Captions, Features: d.CaptionFeatures, DevCaptions: d.DevCaptions, DevFeatures: d.DevFeatures,
	}.Learn()
	if err != nil {
		return err
	}
	if w.train, w.standard, err = w.readPart(ctx, learn, corpus.Standard{}); err != nil {
		return err
	}
	w.dev, _, err = w.readPart(ctx, dev, w.standard)
	return err
}

func (w *workshop) readPart(ctx context.Context, part corpus.Part, standard corpus.Standard) (read captioned, measured corpus.Standard, err error) {
	pictures, measured, err := part.Read(standard, w.Model.width)
	if err != nil {
		return read, measured, err
	}
	read.names, read.stored, read.Captioned.Pictures = part.Set.Names(), pictures.Stored, pictures.Rows
	var texts []string
	for i, photo := range part.Set {
		read.texts = append(read.texts, photo.Captions)
		for _, caption := range photo.Captions {
			texts = append(texts, caption)
			read.Owner = append(read.Owner, i)
		}
	}
	if read.sentences, err = w.readSentences(ctx, texts, pictures.Stored == nil); err != nil {
		return read, measured, err
	}
	read.Captions = model.Scaled(read.sentences)
	return read, measured, nil
}

// readSentences reads the features of captions, which lie beside those of photos, or are
// made where others have computed the photos'.
func (w *workshop) readSentences(ctx context.Context, texts []string, made bool) (rows [][]float32, err error) {
	if made {
		return w.textFeatures(ctx, w.Data.SentenceFeatures, texts)
	}
	open, err := features.Open(w.Data.CaptionFeatures)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return open.Sentences(texts)
}

// tagged are photos with tags and stored features, and the features of all tags.
type tagged struct {
	set      dataset.Set
	stored   *features.Pictures
	pictures [][]float32
	tags     map[string][]float32 // of unit length
}

func (t tagged) lists() (lists [][]string) {
	for _, photo := range t.set {
		lists = append(lists, photo.Tags)
	}
	return lists
}

// readTagged reads the photos of a set that choose, or the others.
func readTagged(c dataConfig, dev bool, standard corpus.Standard) (read tagged, err error) {
	all, err := corpus.Tagged(c.Tags, c.TagFeatures)
	if err != nil {
		return read, err
	}
	names, err := dataset.ReadNames(c.DevTagged)
	if err != nil {
		return read, err
	}
	if read.set = all.Set.Without(names); dev {
		if read.set, err = all.Set.Only(names); err != nil {
			return read, fmt.Errorf("%s: %w", c.DevTagged, err)
		}
	}
	if len(read.set) == 0 {
		return read, fmt.Errorf("%s has all photos of %s: none is left to learn from", c.DevTagged, c.Tags)
	}
	pictures, _, err := all.Of(read.set).Read(standard, nil)
	if err != nil {
		return read, err
	}
	if read.stored, read.pictures = pictures.Stored, pictures.Rows; read.stored == nil {
		return read, fmt.Errorf("%s: photos with tags are searched by class names, too, which only features by vsed-features tell: name such", c.TagFeatures)
	}
	open, err := features.Open(c.TagFeatures)
	if err != nil {
		return read, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	read.tags = map[string][]float32{}
	texts := read.set.Texts()
	rows, err := open.Sentences(texts)
	for i, text := range texts {
		if err == nil {
			read.tags[text] = rows[i]
		}
	}
	return read, err
}
