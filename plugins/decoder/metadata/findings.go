package metadata

import (
	"strconv"
	"strings"

	"github.com/bep/imagemeta"

	"vsed/plugins/contract"
)

// findings are the raw values of the fields that are wanted, by their standard's
// name, the first of each.
type findings struct {
	exif map[string]any
	iptc map[string][]string
	xmp  map[property][]text
}

func newFindings() *findings {
	return &findings{exif: map[string]any{}, iptc: map[string][]string{}, xmp: map[property][]text{}}
}

// exifTags and iptcTags are those that findings keep.
var (
	exifTags = set("Make", "Model", "LensModel", "ImageDescription", "Rating",
		"DateTimeOriginal", "DateTimeDigitized", "CreateDate", "DateTime", "ModifyDate",
		"OffsetTime", "OffsetTimeOriginal", "OffsetTimeDigitized",
		"GPSLatitude", "GPSLatitudeRef", "GPSLongitude", "GPSLongitudeRef", "GPSTimeStamp", "GPSDateStamp")
	iptcTags = set("ObjectName", "Caption-Abstract", "Keywords", "DateCreated", "TimeCreated", "CodedCharacterSet")
)

func set(names ...string) map[string]bool {
	members := make(map[string]bool, len(names))
	for _, name := range names {
		members[name] = true
	}
	return members
}

// wanted leaves out the thumbnail's directory, which repeats the picture's tags.
func wanted(tag imagemeta.TagInfo) bool {
	switch tag.Source {
	case imagemeta.EXIF:
		return exifTags[tag.Tag] && !strings.HasPrefix(tag.Namespace, "IFD1")
	case imagemeta.IPTC:
		return iptcTags[tag.Tag]
	}
	return true
}

func (f *findings) take(tag imagemeta.TagInfo) error {
	switch tag.Source {
	case imagemeta.EXIF:
		if _, known := f.exif[tag.Tag]; !known && tag.Value != "" {
			f.exif[tag.Tag] = tag.Value
		}
	case imagemeta.IPTC:
		switch value := tag.Value.(type) {
		case string:
			f.iptc[tag.Tag] = append(f.iptc[tag.Tag], value)
		case []string:
			f.iptc[tag.Tag] = append(f.iptc[tag.Tag], value...)
		}
	}
	return nil
}

// metadata chooses among the sources and makes all safe to show.
func (f *findings) metadata() *contract.Metadata {
	m := &contract.Metadata{
		Camera: Camera(or(f.exifText("Make"), f.xmpText(tiff("Make"))), or(f.exifText("Model"), f.xmpText(tiff("Model")))),
		Lens: Line(or(f.exifText("LensModel"), f.xmpText(property{exifEXSpace, "LensModel"}),
			f.xmpText(property{auxSpace, "Lens"})), longestName),
		Title: Line(or(f.xmpText(dc("title")), f.iptcText("ObjectName")), contract.TitleLimit),
		Description: lines(or(f.xmpText(dc("description")), f.iptcText("Caption-Abstract"),
			meant(f.exifText("ImageDescription"))), contract.DescriptionLimit),
		Keywords: f.allKeywords(),
	}
	m.Rating, m.Rated = f.rating()
	f.setTaken(m)
	f.setPlace(m)
	return m
}

// or is the first text that holds more than blanks.
func or(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

func (f *findings) exifText(tag string) string {
	text, _ := f.exif[tag].(string)
	return text
}

func (f *findings) iptcText(tag string) string {
	if texts := f.iptc[tag]; len(texts) > 0 {
		return f.iptcDecoded(texts[0])
	}
	return ""
}

// iptcDecoded mends text that names no encoding: imagemeta takes it for Latin-1,
// as the standard nearly says, but what is valid UTF-8 has hardly been meant so.
func (f *findings) iptcDecoded(text string) string {
	if len(f.iptc["CodedCharacterSet"]) > 0 {
		return text
	}
	return utf8FromLatin1(text)
}

// rating takes halves down, and reports whether there is one, which may be of no
// star; Windows' percents are not read.
func (f *findings) rating() (stars int32, given bool) {
	text := f.xmpText(property{xmpSpace, "Rating"})
	if value, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return inStars(value), value <= 5
	}
	if value, ok := f.exif["Rating"].(uint16); ok {
		return inStars(float64(value)), value <= 5
	}
	return 0, false
}

func inStars(value float64) int32 {
	switch {
	case value < 0:
		return -1
	case value >= 1 && value <= 5:
		return int32(value)
	}
	return 0
}

var makersWords = set("OLYMPUS DIGITAL CAMERA", "OLYMPUS CAMERA", "SONY DSC", "DIGITAL CAMERA", "<DIGITAL CAMERA>",
	"KODAK DIGITAL STILL CAMERA", "MINOLTA DIGITAL CAMERA", "KONICA MINOLTA DIGITAL CAMERA", "SAMSUNG",
	"SAMSUNG DIGITAL CAMERA", "<KENOX", "CASIO COMPUTER")

// meant leaves out what cameras write where people would describe.
func meant(description string) string {
	plain := strings.ToUpper(strings.TrimSpace(description))
	if strings.HasPrefix(plain, `DCIM\`) || strings.HasPrefix(plain, "DCIM/") || makersWords[plain] {
		return ""
	}
	return description
}

// allKeywords are those of XMP, of IPTC, and hierarchical ones with their levels.
func (f *findings) allKeywords() []string {
	var keywords []string
	known := map[string]bool{}
	add := func(keyword string) {
		keyword = Line(keyword, len(keyword))
		if keyword == "" || len(keyword) > contract.KeywordLimit || known[keyword] || len(keywords) == contract.KeywordsLimit {
			return
		}
		known[keyword] = true
		keywords = append(keywords, keyword)
	}
	for _, value := range f.xmp[dc("subject")] {
		add(value.value)
	}
	for _, value := range f.iptc["Keywords"] {
		add(f.iptcDecoded(value))
	}
	for _, value := range f.xmp[property{digiKamSpace, "TagsList"}] {
		add(levels(value.value, "/"))
	}
	for _, value := range f.xmp[property{lightroomSpace, "hierarchicalSubject"}] {
		add(levels(value.value, "|"))
	}
	return keywords
}

// levels joins the levels of a hierarchical keyword by '/'.
func levels(keyword, separator string) string {
	var kept []string
	for _, level := range strings.Split(keyword, separator) {
		if level = strings.TrimSpace(level); level != "" {
			kept = append(kept, level)
		}
	}
	return strings.Join(kept, "/")
}
