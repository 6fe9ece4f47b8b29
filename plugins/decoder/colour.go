package decoder

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"vsed/plugins/decoder/vips"
)

// makeSRGB converts a picture in memory, without transparency, to 8-bit sRGB.
func makeSRGB(image *vips.Image) error {
	profile := image.Profile()
	converted := profile != nil && !isSRGB(profile) && image.ApplyProfile() == nil
	// A profile that cannot be applied, being damaged or of another colour space
	// than the pixels, is ignored as browsers do.
	if image.Is8BitRGB() && !converted {
		return nil
	}
	if !image.Is8BitRGB() {
		if err := reinterpret(image); err != nil {
			return err
		}
	}
	return image.KeepInMemory()
}

func reinterpret(image *vips.Image) error {
	if err := image.ToSRGB(); err != nil {
		return err
	}
	if err := image.ToBytes(); err != nil {
		return err
	}
	if image.Bands() > 3 {
		return image.FirstBands(3)
	}
	return nil
}

// isSRGB reports whether an ICC profile is one of the many copies of sRGB, for
// which converting would cost time and change next to nothing.
func isSRGB(profile []byte) bool {
	name := profileName(profile)
	if name == "c2" { // the compact sRGB that large sites embed
		return true
	}
	return strings.Contains(name, "sRGB") && !containsAny(strings.ToLower(name), "linear", "v4")
}

// profileName is the description inside an ICC profile, "" where it has none.
func profileName(profile []byte) string {
	const table = 128
	if len(profile) < table+4 {
		return ""
	}
	count := min(binary.BigEndian.Uint32(profile[table:]), 100)
	for entry := table + 4; count > 0 && entry+12 <= len(profile); entry += 12 {
		if string(profile[entry:entry+4]) == "desc" {
			offset := uint64(binary.BigEndian.Uint32(profile[entry+4:]))
			if offset < uint64(len(profile)) {
				return description(profile[offset:])
			}
		}
		count--
	}
	return ""
}

// description reads the text of a tag: of version 2 in ASCII, or the first
// language of version 4.
func description(tag []byte) string {
	switch {
	case len(tag) >= 12 && bytes.HasPrefix(tag, []byte("desc")):
		length := min(uint64(binary.BigEndian.Uint32(tag[8:])), uint64(len(tag)-12))
		return strings.TrimRight(string(tag[12:12+length]), "\x00")
	case len(tag) >= 28 && bytes.HasPrefix(tag, []byte("mluc")):
		length, offset := uint64(binary.BigEndian.Uint32(tag[20:])), uint64(binary.BigEndian.Uint32(tag[24:]))
		if offset+length > uint64(len(tag)) {
			return ""
		}
		return fromUTF16(tag[offset : offset+length])
	}
	return ""
}

func fromUTF16(text []byte) string {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(text[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}
