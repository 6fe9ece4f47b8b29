package decoder

import (
	"encoding/binary"
	"slices"
)

// Minimal RAW files, laid out as the formats' cameras do, with a JPEG preview. Only
// what LibRaw needs to know the file and to find the preview is in them; what stands
// for the sensor's data is empty.

const rawWidth, rawHeight = 96, 64 // of the sensor's picture

// field is an entry of a TIFF directory.
type field struct {
	tag, kind uint16
	count     int
	value     []byte
	at        int // where the value stands, if not in the directory
}

var little = binary.LittleEndian

func ascii(tag uint16, text string) field {
	return field{tag, 2, len(text) + 1, append([]byte(text), 0), 0}
}

func short(tag uint16, values ...int) field {
	f := field{tag, 3, len(values), nil, 0}
	for _, value := range values {
		f.value = little.AppendUint16(f.value, uint16(value))
	}
	return f
}

func long(tag uint16, values ...int) field {
	f := field{tag, 4, len(values), nil, 0}
	for _, value := range values {
		f.value = little.AppendUint32(f.value, uint32(value))
	}
	return f
}

func bytesField(tag uint16, value ...byte) field { return field{tag, 1, len(value), value, 0} }

// elsewhere is bytes that stand at another place of the file.
func elsewhere(tag uint16, length, at int) field { return field{tag, 7, length, nil, at} }

// directoryAt is a directory that begins at an offset of its file, values that do
// not fit into their entries behind it.
func directoryAt(at int, next int, fields ...field) []byte {
	slices.SortStableFunc(fields, func(a, b field) int { return int(a.tag) - int(b.tag) })
	block := little.AppendUint16(nil, uint16(len(fields)))
	values, room := []byte(nil), at+2+12*len(fields)+4
	for _, f := range fields {
		block = little.AppendUint16(block, f.tag)
		block = little.AppendUint16(block, f.kind)
		block = little.AppendUint32(block, uint32(f.count))
		if f.at > 0 {
			block = little.AppendUint32(block, uint32(f.at))
			continue
		}
		if len(f.value) <= 4 {
			block = append(block, append(slices.Clone(f.value), make([]byte, 4-len(f.value))...)...)
			continue
		}
		block = little.AppendUint32(block, uint32(room+len(values)))
		values = append(values, f.value...)
		if len(values)%2 == 1 {
			values = append(values, 0)
		}
	}
	return append(little.AppendUint32(block, uint32(next)), values...)
}

// Places in the made files.
const (
	firstAt   = 16
	secondAt  = 1 << 10
	thirdAt   = 2 << 10
	exifAt    = 3 << 10
	previewAt = 4 << 10
)

// assemble puts parts at their places and the sensor's empty data behind the
// preview.
func assemble(start string, preview []byte, parts map[int][]byte) []byte {
	file := make([]byte, sensorAt(preview)+2*rawWidth*rawHeight)
	copy(file, start)
	for at, part := range parts {
		copy(file[at:], part)
	}
	copy(file[previewAt:], preview)
	return file
}

func sensorAt(preview []byte) int { return previewAt + (len(preview)+1023)/1024*1024 }

func takenAt(at int) []byte { return directoryAt(at, 0, ascii(0x9003, "2021:03:04 05:06:07")) }

// sensor is the directory of the sensor's data.
func sensor(at, compression int, preview []byte, more ...field) []byte {
	return directoryAt(at, 0, append(more, long(254, 0), long(256, rawWidth), long(257, rawHeight), short(258, 16), short(259, compression),
		short(262, 32803), long(273, sensorAt(preview)), short(277, 1), long(278, rawHeight), long(279, 2*rawWidth*rawHeight),
		short(33421, 2, 2), bytesField(33422, 0, 1, 1, 2))...)
}

func dng(preview []byte, orientation int) []byte {
	first := directoryAt(firstAt, 0, long(254, 1), long(256, 96), long(257, 64), short(258, 8, 8, 8), short(259, 7), short(262, 6),
		ascii(271, "Pentax"), ascii(272, "PENTAX K-x"), long(273, previewAt), short(274, orientation), short(277, 3),
		long(278, 64), long(279, len(preview)), long(330, secondAt), long(0x8769, exifAt),
		bytesField(50706, 1, 4, 0, 0), ascii(50708, "PENTAX K-x"))
	return assemble("II*\x00\x10\x00\x00\x00", preview, map[int][]byte{firstAt: first, secondAt: sensor(secondAt, 1, preview), exifAt: takenAt(exifAt)})
}

func nef(preview []byte, orientation int) []byte {
	first := directoryAt(firstAt, 0, long(254, 1), long(256, 16), long(257, 16), short(258, 8, 8, 8), short(259, 1), short(262, 2),
		ascii(271, "NIKON CORPORATION"), ascii(272, "NIKON D1"), long(273, firstAt), short(274, orientation), short(277, 3),
		long(278, 16), long(279, 768), long(330, thirdAt, secondAt), long(0x8769, exifAt))
	picture := directoryAt(thirdAt, 0, long(254, 1), short(259, 6), long(513, previewAt), long(514, len(preview)))
	return assemble("II*\x00\x10\x00\x00\x00", preview, map[int][]byte{firstAt: first, secondAt: sensor(secondAt, 1, preview), thirdAt: picture, exifAt: takenAt(exifAt)})
}

func arw(preview []byte, orientation int) []byte {
	first := directoryAt(firstAt, 0, long(254, 1), short(259, 6), ascii(271, "SONY"), ascii(272, "DSLR-A330"), short(274, orientation),
		long(330, secondAt), long(513, previewAt), long(514, len(preview)), long(0x8769, exifAt))
	return assemble("II*\x00\x10\x00\x00\x00", preview, map[int][]byte{firstAt: first, secondAt: sensor(secondAt, 32767, preview), exifAt: takenAt(exifAt)})
}

func cr2(preview []byte, orientation int) []byte {
	sensorData := []byte("\xff\xd8\xff\xc4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05")
	frame := binary.BigEndian.AppendUint16([]byte("\xff\xc3\x00\x0e\x0e"), rawHeight)
	frame = append(binary.BigEndian.AppendUint16(frame, rawWidth/2), "\x02\x01\x11\x00\x02\x11\x00"...)
	sensorData = append(append(sensorData, frame...), "\xff\xda\x00\x0a\x02\x01\x00\x02\x00\x01\x00\x00"...)
	first := directoryAt(firstAt, secondAt, short(256, 96), short(257, 64), short(258, 8, 8, 8), short(259, 6), ascii(271, "Canon"),
		ascii(272, "Canon EOS 50D"), long(273, previewAt), short(274, orientation), long(279, len(preview)), long(0x8769, exifAt))
	second := directoryAt(secondAt, thirdAt, long(513, previewAt), long(514, 0))
	third := directoryAt(thirdAt, 0, short(259, 6), long(273, sensorAt(preview)), long(279, 2*rawWidth*rawHeight-4096))
	return assemble("II*\x00\x10\x00\x00\x00CR\x02\x00\x00\x08\x00\x00", preview,
		map[int][]byte{firstAt: first, secondAt: second, thirdAt: third, exifAt: takenAt(exifAt), sensorAt(preview): sensorData})
}

func rw2(preview []byte, orientation int) []byte {
	first := directoryAt(firstAt, 0, bytesField(1, '0', '3', '3', '0'), short(2, rawWidth), short(3, rawHeight), short(4, 0), short(5, 0),
		short(6, rawHeight), short(7, rawWidth), short(9, 1), short(10, 12), short(11, 34316), ascii(271, "Panasonic"), ascii(272, "DMC-LX3"),
		short(274, orientation), long(279, 2*rawWidth*rawHeight), long(280, sensorAt(preview)), elsewhere(0x2e, len(preview), previewAt), long(0x8769, exifAt))
	return assemble("IIU\x00\x10\x00\x00\x00", preview, map[int][]byte{exifAt: takenAt(exifAt), firstAt: first})
}

func orf(preview []byte, orientation int) []byte {
	const settingsAt = 512 // in the maker's note
	settings := directoryAt(settingsAt, 0, long(0x101, previewAt-thirdAt), long(0x102, len(preview)))
	note := make([]byte, settingsAt)
	copy(note, "OLYMPUS\x00II\x03\x00")
	copy(note[12:], directoryAt(12, 0, elsewhere(0x2020, len(settings), settingsAt)))
	note = append(note, settings...)
	first := directoryAt(firstAt, 0, long(256, rawWidth), long(257, rawHeight), short(258, 16), short(259, 1), short(262, 32803), ascii(271, "OLYMPUS IMAGING CORP."),
		ascii(272, "E-P3"), long(273, sensorAt(preview)), short(274, orientation), short(277, 1), long(278, rawHeight), long(279, 2*rawWidth*rawHeight), long(0x8769, exifAt))
	exif := directoryAt(exifAt, 0, ascii(0x9003, "2021:03:04 05:06:07"), elsewhere(0x927c, len(note), thirdAt))
	return assemble("IIRO\x10\x00\x00\x00", preview, map[int][]byte{firstAt: first, exifAt: exif, thirdAt: note})
}

// raf is big-endian; the picture's words stand in the preview.
func raf(preview []byte, _ int) []byte {
	big := binary.BigEndian
	file := assemble("FUJIFILMCCD-RAW 0201FF389501FinePix X100", preview, nil)
	for i, value := range []int{previewAt, len(preview), secondAt, 64, sensorAt(preview), 2 * rawWidth * rawHeight} {
		big.PutUint32(file[84+4*i:], uint32(value))
	}
	big.PutUint32(file[secondAt:], 2)
	copy(file[secondAt+4:], []byte{0x01, 0x00, 0, 4, rawHeight >> 8, rawHeight & 0xff, rawWidth >> 8, rawWidth & 0xff})
	copy(file[secondAt+12:], []byte{0x01, 0x21, 0, 4, rawHeight >> 8, rawHeight & 0xff, rawWidth >> 8, rawWidth & 0xff})
	return file
}
