package decoder

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"vsed/plugins/sdk"
)

// format is one that the decoder knows, found by content.
type format struct {
	name   string // as in contract.Metadata
	title  string // for people
	loader string // libvips' operation; empty: decoded in Go
	class  string // the loader's class, which is to be unblocked
}

// Formats by name. AVIF is HEIF with another codec inside.
var (
	jpegFormat = format{"jpeg", "JPEG", "jpegload_buffer", "VipsForeignLoadJpeg"}
	pngFormat  = format{"png", "PNG", "pngload_buffer", "VipsForeignLoadPng"}
	webpFormat = format{"webp", "WebP", "webpload_buffer", "VipsForeignLoadWebp"}
	gifFormat  = format{"gif", "GIF", "gifload_buffer", "VipsForeignLoadNsgif"}
	tiffFormat = format{"tiff", "TIFF", "tiffload_buffer", "VipsForeignLoadTiff"}
	heicFormat = format{"heic", "HEIC", "heifload_buffer", "VipsForeignLoadHeif"}
	avifFormat = format{"avif", "AVIF", "heifload_buffer", "VipsForeignLoadHeif"}
	jxlFormat  = format{"jxl", "JPEG XL", "jxlload_buffer", "VipsForeignLoadJxl"}
	bmpFormat  = format{"bmp", "BMP", "", ""}
	dngFormat  = format{"dng", "DNG", "", ""}
	cr2Format  = format{"cr2", "Canon's CR2", "", ""}
	cr3Format  = format{"cr3", "Canon's CR3", "", ""}
	nefFormat  = format{"nef", "Nikon's NEF", "", ""}
	arwFormat  = format{"arw", "Sony's ARW", "", ""}
	rafFormat  = format{"raf", "Fujifilm's RAF", "", ""}
	orfFormat  = format{"orf", "Olympus' ORF", "", ""}
	rw2Format  = format{"rw2", "Panasonic's RW2", "", ""}
)

func knownFormats() []format {
	return append([]format{jpegFormat, pngFormat, webpFormat, gifFormat, tiffFormat, heicFormat, avifFormat, jxlFormat, bmpFormat}, rawFormats()...)
}

// rawFormats are cameras' RAW files, of which the preview is decoded.
func rawFormats() []format {
	return []format{dngFormat, cr2Format, cr3Format, nefFormat, arwFormat, rafFormat, orfFormat, rw2Format}
}

func loaderClasses() []string {
	var classes []string
	for _, format := range knownFormats() {
		if format.class != "" {
			classes = append(classes, format.class)
		}
	}
	return classes
}

// signatures are how a file of a format begins.
var signatures = []struct {
	start  string
	format format
}{
	{"\xff\xd8", jpegFormat},
	{"\x89PNG\r\n\x1a\n", pngFormat},
	{"GIF87a", gifFormat},
	{"GIF89a", gifFormat},
	{"II*\x00", tiffFormat},
	{"MM\x00*", tiffFormat},
	{"II+\x00", tiffFormat}, // BigTIFF
	{"MM\x00+", tiffFormat},
	{"\xff\x0a", jxlFormat},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", jxlFormat},
	{"FUJIFILMCCD-RAW", rafFormat},
	{"IIRO", orfFormat},
	{"IIRS", orfFormat},
	{"MMOR", orfFormat},
	{"IIU\x00", rw2Format},
}

// strangers are files that are no photos but lie among them, or carry the wrong
// name, by how they begin.
var strangers = []struct{ start, verdict string }{
	{"%PDF-", "is a PDF document, not a photo"},
	{"8BPS", "is a Photoshop document, which vsed does not read"},
	{"PK\x03\x04", "is a ZIP archive, not a photo"},
	{"\x1f\x8b", "is a gzip archive, not a photo"},
	{"\x7fELF", "is a program, not a photo"},
	{"\x1aE\xdf\xa3", "is a video, not a photo"},
	{"ID3", "is a sound recording, not a photo"},
	{"\x00\x00\x01\x00", "is an icon, not a photo"},
	{"FOVb", rawVerdict},
	{"\x00\x00\x00\x0cjP  ", "is a JPEG 2000 picture, which vsed does not read"},
	{"v/1\x01", "is an OpenEXR picture, which vsed does not read"},
}

const rawVerdict = "is a RAW file of a camera whose files vsed does not read"

// identify finds the format; where there is none that the decoder reads, its
// error says what the file is instead.
func identify(photo []byte) (format, error) {
	if len(photo) == 0 {
		return format{}, sdk.Rejected("is empty")
	}
	start := string(photo[:min(len(photo), 16)])
	if len(start) >= 12 && start[:4] == "RIFF" && start[8:12] == "WEBP" {
		return webpFormat, nil
	}
	if len(start) >= 12 && start[4:8] == "ftyp" {
		return identifyByBrand(photo)
	}
	if isBMP(photo) {
		return bmpFormat, nil
	}
	for _, signature := range signatures {
		if !strings.HasPrefix(start, signature.start) {
			continue
		}
		if signature.format == tiffFormat {
			return identifyTIFF(photo)
		}
		return signature.format, nil
	}
	return format{}, stranger(photo)
}

// identifyByBrand looks into the first box of an ISO media file.
func identifyByBrand(photo []byte) (format, error) {
	size := min(int(binary.BigEndian.Uint32(photo)), len(photo), 256)
	brands := map[string]bool{string(photo[8:12]): true}
	for at := 16; at+4 <= size; at += 4 {
		brands[string(photo[at:at+4])] = true
	}
	switch {
	case brands["avif"] || brands["avis"]:
		return avifFormat, nil
	case brands["heic"] || brands["heix"] || brands["heim"] || brands["heis"] || brands["hevc"] || brands["hevx"] || brands["mif1"] || brands["msf1"]:
		return heicFormat, nil
	case brands["crx "]:
		return cr3Format, nil
	}
	return format{}, sdk.Rejected("is a video, not a photo")
}

// isBMP asks for more than two letters: text may begin with "BM".
func isBMP(photo []byte) bool {
	if len(photo) < 26 || string(photo[:2]) != "BM" {
		return false
	}
	switch binary.LittleEndian.Uint32(photo[14:]) { // size of the second header
	case 12, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// stranger says what a file is that is no photo.
func stranger(file []byte) error {
	for _, known := range strangers {
		if bytes.HasPrefix(file, []byte(known.start)) {
			return sdk.Rejected("%s", known.verdict)
		}
	}
	start := file[:min(len(file), 1024)]
	switch {
	case bytes.Contains(bytes.ToLower(start), []byte("<svg")):
		return sdk.Rejected("is an SVG drawing, which vsed does not read")
	case len(bytes.Trim(file, "\x00")) == 0:
		return sdk.Rejected("holds nothing but zero bytes: its content was lost")
	case isText(start):
		return sdk.Rejected("is text, not a photo")
	}
	return sdk.Rejected("is in none of the formats that vsed reads: JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF, JPEG XL, BMP and cameras' RAW files")
}

func isText(start []byte) bool {
	for len(start) > 0 {
		character, length := utf8.DecodeRune(start)
		cutOff := !utf8.FullRune(start)
		if character == utf8.RuneError && length == 1 && !cutOff || character < ' ' && !bytes.ContainsRune([]byte("\t\n\f\r\x1b"), character) {
			return false
		}
		start = start[length:]
	}
	return true
}
