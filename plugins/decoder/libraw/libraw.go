// Package libraw is the only place that calls LibRaw: it opens a camera's RAW file
// in memory and takes out the preview that the camera put in. It never develops
// sensor data. Which files it gets, and what becomes of the preview, is not its
// business.
//
// LibRaw 0.20.2 crashes on some damaged files within seconds of fuzzing. So this
// package belongs into a process that may end, in a sandbox, and is not fuzzed by
// itself.
package libraw

/*
#cgo pkg-config: libraw_r
#include <libraw/libraw.h>

// No call-backs for lack of memory and bad data: LibRaw's own print. The names of
// the two flags differ between its versions.
enum { NO_CALLBACKS = 3 };

// unpack opens the file and unpacks its preview. Returns LibRaw's error number.
static int unpack(libraw_data_t *raw, void *file, size_t length, int *opened) {
	*opened = 0;
	int failed = libraw_open_buffer(raw, file, length);
	if (failed) {
		return failed;
	}
	*opened = 1;
	return libraw_unpack_thumb(raw);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Preview is the largest picture that LibRaw found in a RAW file.
type Preview struct {
	JPEG   []byte // a JPEG file; nil: Pixels holds the picture
	Pixels []byte // red, green and blue, row by row
	Width  int    // of Pixels
	Height int

	FullWidth   int // of the sensor's picture, as stored; 0 where unknown
	FullHeight  int
	Orientation int // EXIF's, 1 to 8, of the sensor's picture
}

// Errors of Read, wrapped.
var (
	ErrUnknown   = errors.New("LibRaw does not know the file")
	ErrNoPreview = errors.New("no preview")
)

// Version is that of the library in use, "0.20.2".
func Version() string {
	number := int(C.libraw_versionNumber())
	return fmt.Sprintf("%d.%d.%d", number>>16, number>>8&0xff, number&0xff)
}

// Read copies the preview out of a RAW file; room is the most bytes that it may
// have.
func Read(file []byte, room int) (*Preview, error) {
	if len(file) == 0 {
		return nil, ErrUnknown
	}
	raw := C.libraw_init(C.NO_CALLBACKS)
	if raw == nil {
		return nil, errors.New("LibRaw has no memory")
	}
	defer C.libraw_close(raw)
	var pinner runtime.Pinner
	pinner.Pin(&file[0])
	defer pinner.Unpin()
	var opened C.int
	failed := C.unpack(raw, unsafe.Pointer(&file[0]), C.size_t(len(file)), &opened)
	switch {
	case failed != 0 && opened == 0:
		return nil, fmt.Errorf("%w: %s", ErrUnknown, C.GoString(C.libraw_strerror(failed)))
	case failed != 0:
		return nil, fmt.Errorf("%w: %s", ErrNoPreview, C.GoString(C.libraw_strerror(failed)))
	}
	return preview(raw, room)
}

func preview(raw *C.libraw_data_t, room int) (*Preview, error) {
	thumbnail := &raw.thumbnail
	length := int(thumbnail.tlength)
	if thumbnail.thumb == nil || length <= 0 || length > room {
		return nil, fmt.Errorf("%w that fits: %d bytes", ErrNoPreview, length)
	}
	p := &Preview{
		FullWidth:   int(raw.sizes.width),
		FullHeight:  int(raw.sizes.height),
		Orientation: orientation(int(raw.sizes.flip)),
	}
	switch thumbnail.tformat {
	case C.LIBRAW_THUMBNAIL_JPEG:
		p.JPEG = C.GoBytes(unsafe.Pointer(thumbnail.thumb), C.int(length))
	case C.LIBRAW_THUMBNAIL_BITMAP:
		p.Width, p.Height = int(thumbnail.twidth), int(thumbnail.theight)
		if p.Width*p.Height == 0 || p.Width*p.Height*3 > length {
			return nil, fmt.Errorf("%w: %d bytes for %d × %d pixels", ErrNoPreview, length, p.Width, p.Height)
		}
		p.Pixels = C.GoBytes(unsafe.Pointer(thumbnail.thumb), C.int(p.Width*p.Height*3))
	default:
		return nil, fmt.Errorf("%w of a kind that can be read: %d", ErrNoPreview, thumbnail.tformat)
	}
	return p, nil
}

// orientation turns LibRaw's bits (1: left and right swapped, 2: top and bottom, 4:
// then rows and columns) into EXIF's number.
func orientation(flip int) int {
	if flip < 0 || flip > 7 {
		return 1
	}
	return [8]int{1, 2, 4, 3, 5, 8, 6, 7}[flip]
}
