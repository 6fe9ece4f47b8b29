// Package corpus brings captioned or tagged photos of a set together with their stored
// features: which of them are learned from, which choose and which test, by the splits of
// one file or by a file for each, and in which form a model takes the features. How a
// file of labels is written is dataset's business, one of features features'.
package corpus

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vsed/training/dataset"
	"vsed/training/features"
	"vsed/training/model"
)

// Files name a captioned set. Those of dev and test are not read where Captions has
// splits; where their features are not named they are in Features, too.
type Files struct {
	Captions, Features         string
	DevCaptions, DevFeatures   string
	TestCaptions, TestFeatures string
}

// A Part is of a set that a file has whole: its features are numbered as that set is.
type Part struct {
	Set      dataset.Set
	file     string // of their labels
	whole    int    // photos of the file
	features string // file of them
}

// captionsEach is how many captions of a photo judge, by the protocol: a few of COCO's
// have more.
const captionsEach = 5

// Learn gives the photos that are learned from, and those that choose.
func (f Files) Learn() (learn, dev Part, err error) {
	all, err := captioned(f.Captions, f.Features)
	if err != nil {
		return learn, dev, err
	}
	if all.split() {
		if learn, err = all.only("train", "restval"); err == nil {
			dev, err = all.only("val")
		}
		return learn, dev.judging(), err
	}
	dev, err = f.apart("dev", f.DevCaptions, f.DevFeatures)
	return all, dev.judging(), err
}

// Test gives the photos that choose nothing.
func (f Files) Test() (Part, error) {
	all, err := captioned(f.Captions, f.Features)
	if err != nil {
		return Part{}, err
	}
	test := all
	if all.split() {
		test, err = all.only("test")
	} else {
		test, err = f.apart("test", f.TestCaptions, f.TestFeatures)
	}
	return test.judging(), err
}

// split reports whether the file says which photos are for what.
func (p Part) split() bool { return p.Set[0].Split != "" }

func (p Part) only(splits ...string) (Part, error) {
	chosen := p.Of(p.Set.Split(splits...))
	if len(chosen.Set) == 0 {
		return Part{}, fmt.Errorf("%s has no photo of the split %s: name another file", p.file, strings.Join(splits, " or "))
	}
	return chosen, nil
}

// apart gives photos that have a file of captions of their own.
func (f Files) apart(what, captions, file string) (Part, error) {
	if captions == "" {
		return Part{}, fmt.Errorf("%s does not say which photos are for %s: name a file of their captions as data.%[2]s_captions", f.Captions, what)
	}
	if file == "" {
		if file = f.Features; filepath.Ext(file) == ".npy" {
			return Part{}, fmt.Errorf("%s has a row for each photo of %s: name the features of %s as data.%s_features", file, f.Captions, captions, what)
		}
	}
	return captioned(captions, file)
}

func captioned(captions, features string) (Part, error) {
	set, err := dataset.ReadCaptioned(captions)
	return Part{set, captions, len(set), features}, err
}

// Tagged gives the photos of a file of tags.
func Tagged(tags, features string) (Part, error) {
	set, err := dataset.ReadTags(tags)
	return Part{set, tags, len(set), features}, err
}

// Named gives photos by their names, as a file of other features of them has them.
func Named(names []string, features string) Part {
	set := make(dataset.Set, len(names))
	for i, name := range names {
		set[i] = dataset.Photo{Name: name, Row: i}
	}
	return Part{set, features, len(set), features}
}

// Of gives a part with other photos of the same file.
func (p Part) Of(set dataset.Set) Part {
	p.Set = set
	return p
}

// judging are the photos with as many captions as judge.
func (p Part) judging() Part {
	set := slices.Clone(p.Set)
	for i := range set {
		set[i].Captions = set[i].Captions[:min(captionsEach, len(set[i].Captions))]
	}
	return p.Of(set)
}

// A Standard is measured on the photos that are learned from, and all others are read by
// it; it remembers whose features it is of.
type Standard struct {
	*model.Standard
	space string
}

// Pictures are features of photos, in their order.
type Pictures struct {
	Rows   [][]float32        // as a model takes them
	Stored *features.Pictures // as they are stored; nil of NumPy's
}

// Read reads the features. Without a standard one is measured on the first values, of
// which width tells how many by the widths of a feature's parts.
func (p Part) Read(by Standard, width func([]int) int) (read Pictures, measured Standard, err error) {
	rows, err := features.OpenRows(p.features, features.Photos{Names: p.Set.Names(), Numbers: p.Set.Rows(), Count: p.whole})
	if err != nil {
		return read, by, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if by.Standard == nil {
		by.space = rows.Space
		if by.Standard, err = model.MeasureStandard(rows.Features, width(rows.Widths)); err != nil {
			return read, by, err
		}
	}
	if by.space != rows.Space {
		return read, by, fmt.Errorf("%s has features of another encoder (%s) than the captioned photos' (%s): compute both by one", p.features, rows.Space, by.space)
	}
	read.Stored, _ = rows.Features.(*features.Pictures)
	read.Rows = by.Standard.Read(rows.Features)
	return read, by, nil
}
