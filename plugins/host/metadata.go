package host

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vsed/plugins/contract"
)

var offsetPattern = regexp.MustCompile(`^[+-](0[0-9]|1[0-4]):[0-5][0-9]$`)

func checkPhotoMetadata(metadata *contract.Metadata) error {
	switch {
	case metadata == nil:
		return fmt.Errorf("no metadata")
	case metadata.GetWidth() == 0 || metadata.GetHeight() == 0 || metadata.GetWidth() > photoSideLimit || metadata.GetHeight() > photoSideLimit:
		return fmt.Errorf("a photo of %d×%d pixels", metadata.GetWidth(), metadata.GetHeight())
	case metadata.GetOrientation() < 1 || metadata.GetOrientation() > 8:
		return fmt.Errorf("an orientation of %d, not 1 to 8", metadata.GetOrientation())
	}
	return checkMetadata(metadata)
}

func checkSidecarMetadata(metadata *contract.Metadata) error {
	switch {
	case metadata == nil:
		return fmt.Errorf("no metadata")
	case metadata.GetWidth() != 0 || metadata.GetHeight() != 0 || metadata.GetOrientation() != 0:
		return fmt.Errorf("a sidecar with the size or orientation of a photo")
	}
	return checkMetadata(metadata)
}

// checkMetadata checks what photos and sidecars have in common.
func checkMetadata(metadata *contract.Metadata) error {
	if !formatPattern.MatchString(metadata.GetFormat()) {
		return fmt.Errorf("%q is not the name of a format in lower case", printable(metadata.GetFormat(), 60))
	}
	if metadata.GetRating() < -1 || metadata.GetRating() > 5 {
		return fmt.Errorf("a rating of %d, not -1 to 5", metadata.GetRating())
	}
	return firstError(
		checkTaken(metadata), checkPlace(metadata), checkKeywords(metadata.GetKeywords()),
		checkText("camera", metadata.GetCamera(), false), checkText("lens", metadata.GetLens(), false),
		checkPhotoText("title", metadata.GetTitle(), contract.TitleLimit, false),
		checkPhotoText("description", metadata.GetDescription(), contract.DescriptionLimit, true))
}

func checkTaken(metadata *contract.Metadata) error {
	taken, offset, source := metadata.GetTaken(), metadata.GetTakenOffset(), metadata.GetTakenSource()
	if _, known := contract.TakenSource_name[int32(source)]; !known {
		return fmt.Errorf("a source %d of its time, which is unknown", source)
	}
	if (taken == "") != (source == contract.TakenSource_TAKEN_SOURCE_UNKNOWN) {
		return fmt.Errorf("the time %q with the source %v", printable(taken, 40), source)
	}
	if taken == "" && offset == "" {
		return nil
	}
	if _, err := time.Parse("2006-01-02T15:04:05", taken); err != nil || len(taken) != 19 {
		return fmt.Errorf("%q is not the time of a photo", printable(taken, 40))
	}
	if offset != "" && !offsetPattern.MatchString(offset) {
		return fmt.Errorf("%q is not an offset from UTC", printable(offset, 40))
	}
	return nil
}

func checkPlace(metadata *contract.Metadata) error {
	latitude, longitude := metadata.GetLatitude(), metadata.GetLongitude()
	if !metadata.GetLocated() && (latitude != 0 || longitude != 0) {
		return fmt.Errorf("the place %v, %v of a photo that has none", latitude, longitude)
	}
	if math.IsNaN(latitude) || math.Abs(latitude) > 90 || math.IsNaN(longitude) || math.Abs(longitude) > 180 {
		return fmt.Errorf("the place %v, %v, which is not on Earth", latitude, longitude)
	}
	return nil
}

func checkKeywords(keywords []string) error {
	if len(keywords) > contract.KeywordsLimit {
		return fmt.Errorf("%d keywords, more than %d", len(keywords), contract.KeywordsLimit)
	}
	known := make(map[string]bool, len(keywords))
	for _, keyword := range keywords {
		if keyword == "" || known[keyword] {
			return fmt.Errorf("the keyword %q, empty or for the second time", printable(keyword, 60))
		}
		known[keyword] = true
		if err := checkPhotoText("keyword", keyword, contract.KeywordLimit, false); err != nil {
			return err
		}
	}
	return nil
}

// checkPhotoText takes what people wrote, as contract's limits describe it.
func checkPhotoText(noun, text string, limit int, lines bool) error {
	switch {
	case len(text) > limit:
		return fmt.Errorf("a %s of %d bytes, more than %d", noun, len(text), limit)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return isUnprintable(r) && !(lines && r == '\n') }):
		return fmt.Errorf("the %s %q, which is not plain text", noun, printable(text, 60))
	}
	return nil
}

// isUnprintable leaves out the two joiners, without which emoji fall apart.
func isUnprintable(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return r != nonJoiner && r != joiner && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}
