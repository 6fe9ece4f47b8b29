package metadata

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"vsed/plugins/contract"
)

// moment is a time as a file gives it.
type moment struct {
	local  string // as contract.Metadata.taken
	offset string // as taken_offset
}

// timePattern takes EXIF's "2006:01:02 15:04:05" with what some programs make of
// it, ISO 8601 of XMP, and dates alone.
var timePattern = regexp.MustCompile(`^(\d{4})[:/.-](\d\d)[:/.-](\d\d)(?:[ T]+(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d*)?)?)? ?(Z|[+-]\d\d:?\d\d)?$`)

// Years of photos: the first known one is of 1826.
const firstYear, lastYear = 1826, 2200

// parseMoment returns nothing where the text is no time that a photo can be of:
// cameras whose clock was never set write zeros or blanks.
func parseMoment(text string) (moment, bool) {
	parts := timePattern.FindStringSubmatch(strings.Trim(text, " \x00\n"))
	if parts == nil {
		return moment{}, false
	}
	for i := 4; i <= 6; i++ {
		if parts[i] == "" {
			parts[i] = "00"
		}
	}
	local := fmt.Sprintf("%s-%s-%sT%s:%s:%s", parts[1], parts[2], parts[3], parts[4], parts[5], parts[6])
	when, err := time.Parse("2006-01-02T15:04:05", local)
	if err != nil || when.Year() < firstYear || when.Year() > lastYear {
		return moment{}, false
	}
	return moment{local, parseOffset(parts[7])}, true
}

var offsetPattern = regexp.MustCompile(`^([+-])(0\d|1[0-4]):?([0-5]\d)$`)

// parseOffset returns "" for what is no offset from UTC.
func parseOffset(text string) string {
	text = strings.TrimSpace(text)
	if text == "Z" {
		return "+00:00"
	}
	parts := offsetPattern.FindStringSubmatch(text)
	if parts == nil {
		return ""
	}
	return parts[1] + parts[2] + ":" + parts[3]
}

// setTaken takes the surest source that has a time, and its offset from any source
// that has the same time with one.
func (f *findings) setTaken(m *contract.Metadata) {
	for _, candidate := range f.moments() {
		switch {
		case m.Taken == "":
			m.Taken, m.TakenOffset, m.TakenSource = candidate.local, candidate.offset, candidate.source
		case m.TakenOffset == "" && m.Taken == candidate.local:
			m.TakenOffset = candidate.offset
		}
	}
}

type sourced struct {
	moment
	source contract.TakenSource
}

// moments are all times found, the surest first.
func (f *findings) moments() []sourced {
	var all []sourced
	add := func(source contract.TakenSource, text, offset string) {
		if found, ok := parseMoment(text); ok {
			if found.offset == "" {
				found.offset = parseOffset(offset)
			}
			all = append(all, sourced{found, source})
		}
	}
	add(contract.TakenSource_TAKEN_SOURCE_EXIF_ORIGINAL, f.exifText("DateTimeOriginal"), or(f.exifText("OffsetTimeOriginal"), f.exifText("OffsetTime")))
	add(contract.TakenSource_TAKEN_SOURCE_EXIF_DIGITISED, or(f.exifText("DateTimeDigitized"), f.exifText("CreateDate")),
		or(f.exifText("OffsetTimeDigitized"), f.exifText("OffsetTime")))
	for _, name := range []property{{exifSpace, "DateTimeOriginal"}, {photoshopSpace, "DateCreated"}, {xmpSpace, "CreateDate"}, {exifSpace, "DateTimeDigitized"}} {
		add(contract.TakenSource_TAKEN_SOURCE_XMP, f.xmpText(name), "")
	}
	add(contract.TakenSource_TAKEN_SOURCE_IPTC, strings.TrimSpace(f.iptcText("DateCreated")+" "+f.iptcText("TimeCreated")), "")
	add(contract.TakenSource_TAKEN_SOURCE_EXIF_MODIFIED, or(f.exifText("DateTime"), f.exifText("ModifyDate")), f.exifText("OffsetTime"))
	if date, hour := f.exifText("GPSDateStamp"), f.exifText("GPSTimeStamp"); date != "" && hour != "" {
		add(contract.TakenSource_TAKEN_SOURCE_GPS, strings.TrimSpace(date)+" "+strings.TrimSpace(hour), "Z")
	}
	return all
}
