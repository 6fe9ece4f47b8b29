package decoder

import (
	"encoding/binary"
	"errors"
	"strings"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/libraw"
	"vsed/plugins/decoder/metadata"
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

// rawFile is what is known of a RAW file whose preview is decoded.
type rawFile struct {
	format      format
	bytes       []byte
	preview     []byte // JPEG; nil: a bitmap
	full        size   // of the sensor's picture, as stored; 0 where unknown
	orientation int    // of the sensor's picture
}

// openRaw puts the preview in the place of the file. A preview that is no JPEG is
// the image already.
func (s *source) openRaw() error {
	preview, err := libraw.Read(s.bytes, s.limits.Memory/4)
	switch {
	case errors.Is(err, libraw.ErrUnknown):
		return sdk.Rejected("is a RAW file in %s that LibRaw %s does not know or that is damaged", s.format.title, libraw.Version())
	case err != nil:
		return sdk.Rejected("is a RAW file in %s without a preview that can be read", s.format.title)
	}
	s.raw = &rawFile{
		format: s.format, bytes: s.bytes, preview: preview.JPEG,
		full: size{preview.FullWidth, preview.FullHeight}, orientation: preview.Orientation,
	}
	if preview.JPEG == nil {
		s.image, err = vips.FromPixels(preview.Pixels, preview.Width, preview.Height, vips.RGB)
		return err
	}
	if len(preview.JPEG) == 0 {
		return sdk.Rejected("is a RAW file in %s with an empty preview", s.format.title)
	}
	s.format, s.bytes = jpegFormat, preview.JPEG
	return nil
}

// orientationOf is that of the preview: the sensor's, unless the camera has turned
// the preview already, as its shape then shows.
func (r *rawFile) orientationOf(preview size) int {
	lying := func(s size) bool { return s.width > s.height }
	if sideways(r.orientation) && r.full.width != r.full.height && r.full.width > 0 && lying(preview) != lying(r.full) {
		return 1
	}
	return r.orientation
}

// metadata has the size of the sensor's picture.
func (r *rawFile) metadata(preview size, orientation int) *contract.Metadata {
	upright := r.full
	if sideways(r.orientation) {
		upright = upright.turned()
	}
	if upright.width == 0 || upright.height == 0 {
		upright = preview
	}
	found := r.words()
	found.Format = r.format.name
	found.Width, found.Height = uint32(upright.width), uint32(upright.height)
	found.Orientation = uint32(orientation)
	return found
}

var rawKinds = map[format]metadata.Kind{
	dngFormat: metadata.DNG, cr2Format: metadata.CR2, nefFormat: metadata.NEF, arwFormat: metadata.ARW,
	orfFormat: metadata.NEF, rw2Format: metadata.NEF, // TIFF directories as well
}

// words are what the file says of itself: most formats are TIFF files, Fujifilm's
// holds all in the preview, Canon's newer one in boxes.
func (r *rawFile) words() *contract.Metadata {
	if kind, known := rawKinds[r.format]; known {
		return metadata.Read(kind, r.bytes)
	}
	if r.format == cr3Format {
		return metadata.ReadBlocks(canonBlocks(r.bytes), nil)
	}
	if r.preview != nil {
		return metadata.Read(metadata.JPEG, r.preview)
	}
	return &contract.Metadata{}
}

// canonBlocks are the boxes CMT1 to CMT4 of a CR3 file, each a TIFF file of one
// directory: the camera's, EXIF's, Canon's own and GPS'.
func canonBlocks(file []byte) [][]byte {
	const uuidBytes = 16
	var blocks [][]byte
	eachBox(file, func(kind string, movie []byte) {
		if kind != "moov" {
			return
		}
		eachBox(movie, func(kind string, canon []byte) {
			if kind != "uuid" || len(canon) < uuidBytes {
				return
			}
			eachBox(canon[uuidBytes:], func(kind string, block []byte) {
				if kind == "CMT1" || kind == "CMT2" || kind == "CMT4" {
					blocks = append(blocks, block)
				}
			})
		})
	})
	return blocks
}

// eachBox visits the boxes of an ISO media file, as far as they are whole.
func eachBox(file []byte, visit func(kind string, content []byte)) {
	const header, boxes = 8, 1000
	for range boxes {
		if len(file) < header {
			return
		}
		length := uint64(binary.BigEndian.Uint32(file))
		if length < header || length > uint64(len(file)) {
			return
		}
		visit(string(file[4:header]), file[header:length])
		file = file[length:]
	}
}

// TIFF tags that tell RAW files from pictures.
const (
	tagNewSubfileType = 254
	tagMake           = 271
	tagSubIFDs        = 330
	tagDNGVersion     = 50706
)

// identifyTIFF tells RAW files from pictures: what a TIFF reader would find in most
// of them is a thumbnail of 160 pixels.
func identifyTIFF(photo []byte) (format, error) {
	if len(photo) < 16 {
		return tiffFormat, nil
	}
	if string(photo[8:10]) == "CR" {
		return cr2Format, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if photo[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(photo[2:]) != 42 {
		return tiffFormat, nil
	}
	tags := firstDirectory(photo, order)
	_, further := tags[tagSubIFDs]
	_, negative := tags[tagDNGVersion]
	kind, named := tags[tagNewSubfileType]
	switch maker := makerAt(photo, tags[tagMake]); {
	case negative:
		return dngFormat, nil
	case !further || named && kind != 1:
		return tiffFormat, nil
	case strings.HasPrefix(maker, "NIKON"):
		return nefFormat, nil
	case strings.HasPrefix(maker, "SONY"):
		return arwFormat, nil
	case !named:
		return tiffFormat, nil
	}
	return format{}, sdk.Rejected(rawVerdict)
}

// makerAt reads the few letters that count.
func makerAt(photo []byte, offset uint32) string {
	const letters = 8
	if offset == 0 || uint64(offset)+letters > uint64(len(photo)) {
		return ""
	}
	return strings.ToUpper(string(photo[offset : offset+letters]))
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
