package main

import (
	"errors"
	"path/filepath"

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

// readCaptioned reads a set. Where the standard is nil it is measured on its photos.
func readCaptioned(captions, store string, width func([]int) int, standard *model.Standard) (read captioned, measured *model.Standard, err error) {
	set, err := dataset.ReadCaptions(captions)
	if err != nil {
		return read, nil, err
	}
	open, err := features.Open(store)
	if err != nil {
		return read, nil, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	read.names = set.Names()
	if read.stored, err = open.Pictures(read.names); err != nil {
		return read, nil, err
	}
	if measured = standard; measured == nil {
		if measured, err = model.MeasureStandard(read.stored, width(open.Origin.Widths)); err != nil {
			return read, nil, err
		}
	}
	read.Captioned.Pictures = measured.Read(read.stored)
	var texts []string
	for i, photo := range set {
		read.texts = append(read.texts, photo.Captions)
		for _, caption := range photo.Captions {
			texts = append(texts, caption)
			read.Owner = append(read.Owner, i)
		}
	}
	if read.sentences, err = open.Sentences(texts); err != nil {
		return read, nil, err
	}
	read.Captions = model.Scaled(read.sentences)
	return read, measured, nil
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
func readTagged(c dataConfig, dev bool, standard *model.Standard) (read tagged, err error) {
	all, err := dataset.ReadTags(c.Tags)
	if err != nil {
		return read, err
	}
	names, err := dataset.ReadNames(c.DevTagged)
	if err != nil {
		return read, err
	}
	if read.set = all.Without(names); dev {
		if read.set, err = all.Only(names); err != nil {
			return read, err
		}
	}
	open, err := features.Open(filepath.Clean(c.TagFeatures))
	if err != nil {
		return read, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	if read.stored, err = open.Pictures(read.set.Names()); err != nil {
		return read, err
	}
	read.pictures = standard.Read(read.stored)
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
