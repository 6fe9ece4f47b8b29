package contract

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on a photo's metadata, which a decoder keeps by leaving out or cutting
// what exceeds them; lengths are in bytes of UTF-8. Texts hold no control and no
// formatting characters but the joiners of emoji and of Persian and Indian
// scripts, and in a description line breaks.
const (
	KeywordsLimit    = 256 // keywords of a photo
	KeywordLimit     = 255
	TitleLimit       = 1024
	DescriptionLimit = 8192
)

// Bounds on the tags that an encoder has learned, each of at most KeywordLimit bytes.
const (
	LearnedTagsLimit = 1 << 14 // of an encoder: 4 MiB of names at most
	PictureTagsLimit = 32      // of a picture
)

// CheckTag tells what keeps a text from being a learned tag. All that a person may give
// as a tag passes: joiners, no-break and wide spaces belong to names and scripts, and
// whoever shows a tag escapes it.
func CheckTag(tag string) error {
	switch {
	case strings.TrimSpace(tag) == "":
		return errors.New("it is empty")
	case len(tag) > KeywordLimit:
		return fmt.Errorf("it has %d bytes, more than %d", len(tag), KeywordLimit)
	case !utf8.ValidString(tag) || strings.ContainsFunc(tag, unicode.IsControl):
		return errors.New("it is no plain text on one line")
	}
	return nil
}

// SidecarLimit is the largest XMP sidecar, in bytes, that a decoder need read.
const SidecarLimit = 4 << 20

// RetireTrailer is the key in an answer's trailing metadata under which a decoder
// asks to be replaced.
const RetireTrailer = "vsed-retire"

// Limits of a decoder's process where nothing else is said; sizes are in bytes.
// They fit machines from 2 GB on: a HEIC of 48 megapixels still decodes, and one
// bad photo in each of eight processes leaves the rest in memory. Replacing a
// process takes 50 ms, which is nothing among 10,000 photos.
const (
	DecoderMegapixels    = 1000
	DecoderMemory        = 512 << 20
	DecoderRecyclePhotos = 10_000
	DecoderRecycleMemory = 400 << 20
)

// MostMegapixels is the largest limit that a decoder takes: a PNG of so many is
// decoded row by row for five seconds.
const MostMegapixels = 1073
