package decoder

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

// Longest camera name, in bytes. The longest real ones have about 50.
const longestCamera = 100

// readMetadata reads what libvips found in the header; size is upright.
func readMetadata(format format, image *vips.Image, size size, orientation int) *contract.Metadata {
	metadata := &contract.Metadata{
		Format:      format.name,
		Width:       uint32(size.width),
		Height:      uint32(size.height),
		Orientation: uint32(orientation),
		Taken:       taken(exifText(image, "exif-ifd2-DateTimeOriginal")),
		Camera:      camera(exifText(image, "exif-ifd0-Make"), exifText(image, "exif-ifd0-Model")),
	}
	if metadata.Taken != "" {
		metadata.TakenSource = contract.TakenSource_TAKEN_SOURCE_EXIF_ORIGINAL
	}
	return metadata
}

// exifText is the value of a text field. libvips writes it as
// "VALUE (VALUE, ASCII, 5 components, 5 bytes)", and the value may hold anything.
func exifText(image *vips.Image, field string) string {
	return exifValue(image.Text(field))
}

func exifValue(text string) string {
	for at := range text {
		value, rest := text[:at], text[at:]
		if strings.HasPrefix(rest, " ("+value+", ") {
			return value
		}
	}
	return ""
}

// taken turns EXIF's "2006:01:02 15:04:05" into the contract's form; cameras
// whose clock was never set write zeros or blanks.
func taken(text string) string {
	when, err := time.Parse("2006:01:02 15:04:05", strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return when.Format("2006-01-02T15:04:05")
}

// camera joins make and model; most models name their maker already.
func camera(maker, model string) string {
	maker, model = clean(maker, longestCamera), clean(model, longestCamera)
	first, _, _ := strings.Cut(maker, " ")
	if strings.HasPrefix(strings.ToLower(model), strings.ToLower(first)) {
		return model
	}
	return clean(maker+" "+model, longestCamera)
}

// clean makes a stranger's text safe to show: valid UTF-8 without control
// characters, blanks collapsed, at most so many bytes.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(character rune) rune {
		if unicode.IsControl(character) || !unicode.IsPrint(character) {
			return ' '
		}
		return character
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	for len(text) > most {
		_, length := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-length]
	}
	return strings.TrimSpace(text)
}
