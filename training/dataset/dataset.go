// Package dataset reads what training learns from: names of photos with their
// captions, tags and splits, from files and folders in the forms that such sets come
// in, and builds web sets by the paper's rules. Pixels and features are not its
// business; nor is what a word means.
//
// What cannot be learned from is an error that names the file, the line and what to
// do about it: a set that is silently smaller gives figures that nobody can repeat.
package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"vsed/plugins/contract"
)

// A Photo is one of a set, with what is known of it.
type Photo struct {
	Name     string // path below the set's folder, with forward slashes; each once
	Captions []string
	Tags     []string
	Split    string    // "train", "restval", "val" or "test"; empty where the set has no splits
	Row      int       // of precomputed features, where the set's file numbers its photos
	Owner    string    // who took it; empty where unknown
	URL      string    // where it can be had; empty where it lies in the folder
	Taken    time.Time // local time of the camera; zero where unknown
	Looks    uint64    // perceptual hash; 0 where unknown
}

// A Set is a list of photos.
type Set []Photo

// An Error says what is wrong with a set, where, and what to do about it.
type Error struct {
	File    string
	Line    int // 0: of no line
	Problem string
	Remedy  string
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s, line %d", e.File, e.Line)
	}
	if where == "" {
		return e.Problem + ": " + e.Remedy
	}
	return where + ": " + e.Problem + ": " + e.Remedy
}

// Bounds on what is read. The longest captions of the known sets have 1,500 bytes; a
// tag is as long as the catalogue's may be.
const (
	captionLimit = 10_000
	tagLimit     = contract.KeywordLimit
	lineLimit    = 1 << 20
)

// Names are those of the photos, in their order.
func (s Set) Names() []string {
	names := make([]string, len(s))
	for i, photo := range s {
		names[i] = photo.Name
	}
	return names
}

// Rows are the numbers of the photos, in their order.
func (s Set) Rows() []int {
	rows := make([]int, len(s))
	for i, photo := range s {
		rows[i] = photo.Row
	}
	return rows
}

// Split gives the photos of one split or of several.
func (s Set) Split(splits ...string) Set {
	return s.where(func(photo Photo) bool { return slices.Contains(splits, photo.Split) })
}

// Only gives the photos with the names, in their order; a name of no photo is an
// error.
func (s Set) Only(names []string) (Set, error) {
	place := make(map[string]int, len(s))
	for i, photo := range s {
		place[photo.Name] = i
	}
	chosen := make(Set, len(names))
	for i, name := range names {
		at, ok := place[name]
		if !ok {
			return nil, &Error{Problem: fmt.Sprintf("the photo %q is on a list and not in the set", name), Remedy: "take it off the list"}
		}
		chosen[i] = s[at]
	}
	return chosen, nil
}

// Without gives the photos with none of the names.
func (s Set) Without(names []string) Set {
	unwanted := make(map[string]bool, len(names))
	for _, name := range names {
		unwanted[name] = true
	}
	return s.where(func(photo Photo) bool { return !unwanted[photo.Name] })
}

// Tagged gives the photos that have tags.
func (s Set) Tagged() Set { return s.where(func(photo Photo) bool { return len(photo.Tags) > 0 }) }

func (s Set) where(wanted func(Photo) bool) (chosen Set) {
	for _, photo := range s {
		if wanted(photo) {
			chosen = append(chosen, photo)
		}
	}
	return chosen
}

// Texts are the captions and the tags of the set, each once: all that a text encoder
// will be asked about.
func (s Set) Texts() (texts []string) {
	seen := map[string]bool{}
	for _, photo := range s {
		for _, text := range slices.Concat(photo.Captions, photo.Tags) {
			if !seen[text] {
				seen[text] = true
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// tagCounts tells for each tag how many photos carry it.
func (s Set) tagCounts() map[string]int {
	counts := map[string]int{}
	for _, photo := range s {
		for _, tag := range photo.Tags {
			counts[tag]++
		}
	}
	return counts
}

// CheckTags tells why nothing can be learned from the tags of the set.
func (s Set) CheckTags() error {
	tagged := s.Tagged()
	counts := tagged.tagCounts()
	switch {
	case len(tagged) == 0:
		return &Error{Problem: "no photo has a tag", Remedy: "tag some, of what you want to be found"}
	case len(counts) == 1:
		return &Error{Problem: fmt.Sprintf("all %d tagged photos have one tag only, %q", len(tagged), tagged[0].Tags[0]),
			Remedy: "tag photos of other things, too"}
	}
	for _, count := range counts {
		if count < len(tagged) {
			return nil
		}
	}
	return &Error{Problem: fmt.Sprintf("all %d tagged photos have the same tags", len(tagged)), Remedy: "tag photos that differ"}
}

// cleanName takes a photo's name from a file: a path below the set's folder.
func cleanName(name string) (string, error) {
	switch clean := filepath.ToSlash(filepath.Clean(filepath.FromSlash(name))); {
	case name == "":
		return "", fmt.Errorf("the photo's name is missing")
	case !filepath.IsLocal(filepath.FromSlash(name)) || clean == ".":
		return "", fmt.Errorf("the photo's name %.80q is no path below the set's folder", name)
	case strings.ContainsRune(name, 0):
		return "", fmt.Errorf("the photo's name %.80q holds a zero byte", name)
	default:
		return clean, nil
	}
}

// cleanText makes one line of a caption or tag, composed (NFC), with single spaces.
func cleanText(what, text string, limit int) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("the %s %.40q is not UTF-8", what, text)
	}
	text = strings.Join(strings.Fields(norm.NFC.String(text)), " ")
	switch {
	case text == "":
		return "", fmt.Errorf("the %s is empty", what)
	case len(text) > limit:
		return "", fmt.Errorf("the %s %.40q has %d bytes, %d are allowed", what, text, len(text), limit)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", fmt.Errorf("the %s %.40q holds control characters", what, text)
	}
	return text, nil
}

// cleanTags drops repeated tags.
func cleanTags(list []string) (tags []string, err error) {
	for _, tag := range list {
		tag, err := cleanText("tag", tag, tagLimit)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}
