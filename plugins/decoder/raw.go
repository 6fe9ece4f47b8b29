package decoder

import (
	"encoding/binary"
)

// TIFF tags that tell RAW files from pictures.
const (
	tagNewSubfileType = 254
	tagSubIFDs        = 330
	tagDNGVersion     = 50706
)

// isRaw reports whether a TIFF file is a camera's RAW file: what a TIFF reader
// would find in most of them is a thumbnail of 160 pixels.
func isRaw(photo []byte) bool {
	if len(photo) < 16 {
		return false
	}
	if string(photo[8:10]) == "CR" {
		return true // Canon
	}
	var order binary.ByteOrder = binary.LittleEndian
	if photo[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(photo[2:]) != 42 {
		return false
	}
	tags := firstDirectory(photo, order)
	_, further := tags[tagSubIFDs]
	_, negative := tags[tagDNGVersion]
	return negative || further && tags[tagNewSubfileType] == 1
}

// firstDirectory returns the tags of a TIFF file's first directory with their
// values, where they are short integers that stand in the entry itself.
func firstDirectory(photo []byte, order binary.ByteOrder) map[uint16]uint32 {
	tags := map[uint16]uint32{}
	at := uint64(order.Uint32(photo[4:]))
	if at+2 > uint64(len(photo)) {
		return tags
	}
	count := uint64(order.Uint16(photo[at:]))
	for entry := at + 2; count > 0 && entry+12 <= uint64(len(photo)); entry += 12 {
		value := order.Uint32(photo[entry+8:])
		if order.Uint16(photo[entry+2:]) == 3 { // SHORT, left-justified
			value = uint32(order.Uint16(photo[entry+8:]))
		}
		tags[order.Uint16(photo[entry:])] = value
		count--
	}
	return tags
}
