package decoder

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/metadata"
	"vsed/plugins/decoder/vips"
)

// kinds are how formats hold their metadata, where that can be read from the file.
var kinds = map[format]metadata.Kind{
	jpegFormat: metadata.JPEG, pngFormat: metadata.PNG, webpFormat: metadata.WebP, tiffFormat: metadata.TIFF,
	heicFormat: metadata.HEIF, avifFormat: metadata.HEIF,
}

// readMetadata reads what the photo says of itself; size is upright.
func readMetadata(format format, photo []byte, image *vips.Image, size size, orientation int) *contract.Metadata {
	const exif, xmp = "exif-data", "xmp-data" // libvips' names
	var found *contract.Metadata
	switch kind, known := kinds[format]; {
	case !known:
		found = metadata.ReadBlocks([][]byte{image.Blob(exif)}, image.Blob(xmp))
	case kind == metadata.PNG:
		found = metadata.ReadPNG(photo, image.Blob(xmp))
	default:
		found = metadata.Read(kind, photo)
	}
	found.Format = format.name
	found.Width, found.Height = uint32(size.width), uint32(size.height)
	found.Orientation = uint32(orientation)
	return found
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
