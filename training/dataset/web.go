package dataset

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Rules say which pictures of the web come into a set. The paper's own (arXiv
// 1808.07793) are the defaults of NewWebSet.
type Rules struct {
	// Keywords are those that a picture was searched for by: one of its tags must be
	// among them. The paper took the 1,000 most frequent of the captioned set.
	Keywords []string
	// English reports whether a tag is English; tags that are not are dropped.
	English func(tag string) bool
	// LeastTags a picture must have that are English; the paper's 2 where 0.
	LeastTags int
	// MostPerOwner pictures come from one owner; the paper's 5 where 0.
	MostPerOwner int
}

// Left counts the pictures that came into a set, and the others by the rule that
// kept them out.
type Left struct {
	Taken      int `json:"taken"`
	NoPhoto    int `json:"no_photo"`   // videos
	Unreadable int `json:"unreadable"` // names or tags that no set can hold
	FewTags    int `json:"few_tags"`
	NoKeyword  int `json:"no_keyword"`
	Duplicates int `json:"duplicates"`
	OwnerFull  int `json:"owner_full"`
}

// A WebSet is a set that is being built, picture by picture: it holds what it takes
// and forgets the rest, so that metadata of a hundred million pictures pass through.
// Duplicates are pictures of one name, and of one content where the files are here:
// metadata alone does not tell (see Set.Distinct).
type WebSet struct {
	Set  Set
	Left Left

	rules    Rules
	keywords map[string]bool
	owners   map[string]int
	seen     map[string]bool
}

// NewWebSet begins a set by the rules.
func NewWebSet(rules Rules) *WebSet {
	if rules.LeastTags == 0 {
		rules.LeastTags = 2
	}
	if rules.MostPerOwner == 0 {
		rules.MostPerOwner = 5
	}
	w := &WebSet{rules: rules, keywords: map[string]bool{}, owners: map[string]int{}, seen: map[string]bool{}}
	for _, keyword := range rules.Keywords {
		w.keywords[strings.ToLower(keyword)] = true
	}
	return w
}

// Offer takes the picture or counts why not. digest is of its content; empty where
// it is unknown.
func (w *WebSet) Offer(photo Photo, digest string) {
	if count := w.judge(&photo, digest); count != nil {
		*count++
		return
	}
	w.Left.Taken++
	w.owners[photo.Owner]++
	w.seen["name "+photo.Name] = true
	if digest != "" {
		w.seen["digest "+digest] = true
	}
	photo.Row = len(w.Set)
	w.Set = append(w.Set, photo)
}

// judge gives the count of the rule that keeps the picture out; nil where it comes
// in, with its English tags.
func (w *WebSet) judge(photo *Photo, digest string) *int {
	var err error
	if photo.Name, err = cleanName(photo.Name); err != nil {
		return &w.Left.Unreadable
	}
	tags, err := cleanTags(photo.Tags)
	if err != nil {
		return &w.Left.Unreadable
	}
	photo.Tags = slices.DeleteFunc(tags, func(tag string) bool { return !w.rules.English(tag) })
	switch {
	case len(photo.Tags) < w.rules.LeastTags:
		return &w.Left.FewTags
	case !slices.ContainsFunc(photo.Tags, func(tag string) bool { return w.keywords[strings.ToLower(tag)] }):
		return &w.Left.NoKeyword
	case w.seen["name "+photo.Name], digest != "" && w.seen["digest "+digest]:
		return &w.Left.Duplicates
	case photo.Owner != "" && w.owners[photo.Owner] >= w.rules.MostPerOwner:
		return &w.Left.OwnerFull
	}
	return nil
}

// OfferFolder offers the photos of a folder with their sidecars' keywords; duplicates
// are files of the same bytes.
func (w *WebSet) OfferFolder(folder string) error {
	set, err := ReadFolder(folder)
	if err != nil {
		return err
	}
	for _, photo := range set {
		if len(photo.Tags) == 0 {
			w.Left.FewTags++
			continue
		}
		digest, err := digestOf(filepath.Join(folder, filepath.FromSlash(photo.Name)))
		if err != nil {
			return fmt.Errorf("data set: %w", err)
		}
		w.Offer(photo, digest)
	}
	return nil
}

// Distinct gives the photos that lie in the folder, as downloaded, each content once:
// what could not be had any more is left out.
func (s Set) Distinct(folder string) (chosen Set, err error) {
	seen := map[string]bool{}
	for _, photo := range s {
		digest, err := digestOf(filepath.Join(folder, filepath.FromSlash(photo.Name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("data set: %w", err)
		}
		if !seen[digest] {
			seen[digest] = true
			photo.Row = len(chosen)
			chosen = append(chosen, photo)
		}
	}
	return chosen, nil
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// OfferYFCC offers the pictures of a file of YFCC100M's metadata: lines of 23 columns
// with tabs between, or of 25 with the line's number and a hash in them (of the
// download's address, not of the content). The file may be packed: .bz2 or .gz.
func (w *WebSet) OfferYFCC(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	defer file.Close()
	var input io.Reader = bufio.NewReaderSize(file, 1<<20)
	switch filepath.Ext(path) {
	case ".bz2":
		input = bzip2.NewReader(input)
	case ".gz":
		if input, err = gzip.NewReader(input); err != nil {
			return &Error{File: path, Problem: err.Error(), Remedy: "is it packed, and whole? Download it anew"}
		}
	}
	return w.offerYFCC(input, path)
}

func (w *WebSet) offerYFCC(input io.Reader, path string) error {
	return eachLine(input, path, "is it YFCC100M's metadata? Take the file as it is handed out", func(line string) error {
		photo, err := parseYFCC(strings.Split(line, "\t"))
		if errors.Is(err, errVideo) {
			w.Left.NoPhoto++
			return nil
		}
		if err == nil {
			w.Offer(photo, "")
		}
		return err
	})
}

var errVideo = errors.New("it is a video")

// Columns of the form with 23, from 0; both forms end in the same 22.
const (
	yfccOwner     = 1
	yfccTaken     = 3
	yfccTags      = 8
	yfccURL       = 14
	yfccExtension = 21
	yfccMarker    = 22
)

func parseYFCC(columns []string) (photo Photo, err error) {
	switch len(columns) {
	case 25:
		columns = slices.Concat(columns[1:2], columns[3:])
	case 23:
	default:
		return photo, fmt.Errorf("there are %d columns, not 23 or 25", len(columns))
	}
	switch columns[yfccMarker] {
	case "0":
	case "1":
		return photo, errVideo
	default:
		return photo, fmt.Errorf("the last column is %.20q, neither 0 (a photo) nor 1 (a video)", columns[yfccMarker])
	}
	if columns[0] == "" || strings.Trim(columns[0], "0123456789") != "" {
		return photo, fmt.Errorf("the photo's number is %.40q", columns[0])
	}
	photo = Photo{Name: columns[0] + "." + columns[yfccExtension], Owner: columns[yfccOwner], URL: columns[yfccURL]}
	if extension := path.Ext(columns[yfccURL]); columns[yfccURL] != "" && extension != "" {
		photo.Name = columns[0] + extension // what is downloaded; the other is the original's
	}
	photo.Taken, _ = time.Parse("2006-01-02 15:04:05.0", columns[yfccTaken]) // zero where it says null or nothing
	for tag := range strings.SplitSeq(columns[yfccTags], ",") {
		text, err := url.QueryUnescape(tag)
		if err != nil {
			text = tag // a sign of its own
		}
		if strings.TrimSpace(text) != "" && len(text) <= tagLimit {
			photo.Tags = append(photo.Tags, text)
		}
	}
	return photo, nil
}
