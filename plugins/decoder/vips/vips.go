// Package vips is the only place that calls libvips: it loads one photo, changes
// it and saves it. It decides nothing about formats, limits or quality.
//
// Memory. An Image holds one reference to a VipsImage and gives it up in Close.
// Operations replace that reference in place and keep the old one on failure, so
// a caller closes each Image once, whatever happened. libvips evaluates lazily:
// a loaded image reads its bytes until KeepInMemory, Pixels or Encode has
// returned, so the bytes must stay pinned and unchanged that long. What comes
// back as []byte is a copy in Go's memory.
//
// libvips keeps its error text for the whole process: use the package from one
// goroutine at a time.
package vips

/*
#cgo pkg-config: vips
#include "binding.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// Oldest libvips that can block loaders.
const oldestMajor, oldestMinor = 8, 13

// Start initialises libvips for the whole process, once: no cache, one thread,
// and only the loader classes named, with all derived from them.
func Start(program string, loaderClasses []string) error {
	if major, minor := C.vips_version(0), C.vips_version(1); major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return fmt.Errorf("libvips %d.%d is too old: %d.%d is needed; install libvips42 of Debian 12, Ubuntu 24.04 or later", major, minor, oldestMajor, oldestMinor)
	}
	name := C.CString(program)
	defer C.free(unsafe.Pointer(name))
	if C.start(name) != 0 {
		return lastError("start")
	}
	for _, class := range loaderClasses {
		class := C.CString(class)
		C.allow(class)
		C.free(unsafe.Pointer(class))
	}
	return nil
}

// Version is that of the libvips in use, "8.14.1".
func Version() string {
	return fmt.Sprintf("%d.%d.%d", C.vips_version(0), C.vips_version(1), C.vips_version(2))
}

// OpenLoaders names the operations that load pictures and are not blocked.
func OpenLoaders() []string {
	names := C.open_loaders()
	defer C.g_free(C.gpointer(unsafe.Pointer(names)))
	return strings.Fields(C.GoString(names))
}

// MemoryInUse is what libvips holds for pixels, in bytes.
func MemoryInUse() uint64 { return uint64(C.vips_tracked_get_mem()) }

// Error is libvips' own account of what went wrong.
type Error struct {
	Operation string
	Lines     []string // oldest first; may be none
	Warning   string   // the last since Load, "" where there is none
}

func (e *Error) Error() string {
	return "libvips " + e.Operation + ": " + strings.Join(append(e.Lines, e.Warning), "; ")
}

func lastError(operation string) error {
	text := C.vips_error_buffer_copy() // clears it, too
	defer C.g_free(C.gpointer(unsafe.Pointer(text)))
	lines := strings.FieldsFunc(C.GoString(text), func(r rune) bool { return r == '\n' })
	return &Error{Operation: operation, Lines: lines, Warning: C.GoString(C.last_warning())}
}

// Layout says what the bytes of raw pixels mean.
type Layout struct {
	bands          C.int
	interpretation C.int
}

// Layouts of 8-bit pixels.
var (
	Grey = Layout{1, C.VIPS_INTERPRETATION_B_W}
	RGB  = Layout{3, C.VIPS_INTERPRETATION_sRGB}
	RGBA = Layout{4, C.VIPS_INTERPRETATION_sRGB}
	CMYK = Layout{4, C.VIPS_INTERPRETATION_CMYK}
)

// Kernel is a resampling kernel.
type Kernel int

// Kernels, by libvips' numbers.
const (
	Linear   Kernel = C.VIPS_KERNEL_LINEAR
	Cubic    Kernel = C.VIPS_KERNEL_CUBIC
	Lanczos3 Kernel = C.VIPS_KERNEL_LANCZOS3
)

// Image is a picture that may not have been computed yet.
type Image struct {
	pointer *C.VipsImage
}

// Options of Load.
type Options struct {
	Shrink int  // 2, 4 or 8: by what to shrink; for JPEG and WebP only
	Strict bool // even what a loader merely warns of is an error
}

// Load reads the header of a photo with the named libvips operation, such as
// "pngload_buffer". The bytes must be pinned; see the package comment. Missing
// data at the end is an error, of this call or of the one that computes pixels.
func Load(loader string, photo []byte, options Options) (*Image, error) {
	if len(photo) == 0 {
		return nil, errors.New("libvips cannot load nothing")
	}
	failOn := C.int(C.VIPS_FAIL_ON_TRUNCATED)
	if options.Strict {
		failOn = C.VIPS_FAIL_ON_WARNING
	}
	name := C.CString(loader)
	defer C.free(unsafe.Pointer(name))
	pointer := C.load(name, unsafe.Pointer(unsafe.SliceData(photo)), C.size_t(len(photo)), C.int(options.Shrink), failOn)
	if pointer == nil {
		return nil, lastError(loader)
	}
	return &Image{pointer}, nil
}

// FromPixels copies rows of 8-bit pixels.
func FromPixels(pixels []byte, width, height int, layout Layout) (*Image, error) {
	if len(pixels) == 0 || len(pixels) != width*height*int(layout.bands) {
		return nil, fmt.Errorf("%d bytes are not %d × %d pixels", len(pixels), width, height)
	}
	pointer := C.from_pixels(unsafe.Pointer(unsafe.SliceData(pixels)), C.size_t(len(pixels)), C.int(width), C.int(height), layout.bands, layout.interpretation)
	if pointer == nil {
		return nil, lastError("from pixels")
	}
	return &Image{pointer}, nil
}

// Share is a second Image of the same picture, to be closed on its own.
func (i *Image) Share() *Image {
	C.g_object_ref(C.gpointer(unsafe.Pointer(i.pointer)))
	return &Image{i.pointer}
}

// Close gives the picture up. Closing twice is harmless.
func (i *Image) Close() {
	if i.pointer != nil {
		C.g_object_unref(C.gpointer(unsafe.Pointer(i.pointer)))
		i.pointer = nil
	}
}

// Width and Height are in pixels, as stored, before Upright.
func (i *Image) Width() int  { return int(i.pointer.Xsize) }
func (i *Image) Height() int { return int(i.pointer.Ysize) }

// Bands is the number of channels.
func (i *Image) Bands() int { return int(i.pointer.Bands) }

// BytesPerPixel counts all bands.
func (i *Image) BytesPerPixel() int {
	return int(C.vips_format_sizeof(i.pointer.BandFmt)) * i.Bands()
}

// HasAlpha reports whether the last band is transparency.
func (i *Image) HasAlpha() bool { return C.vips_image_hasalpha(i.pointer) != 0 }

// Is8BitRGB reports whether pixels are three bytes in libvips' sRGB.
func (i *Image) Is8BitRGB() bool {
	return i.pointer.Type == C.VIPS_INTERPRETATION_sRGB && i.pointer.BandFmt == C.VIPS_FORMAT_UCHAR && i.Bands() == 3
}

// Interlaced reports whether the file holds the picture in several passes, so
// that it cannot be decoded row by row.
func (i *Image) Interlaced() bool {
	for _, field := range []string{"interlaced", "jpeg-multiscan"} {
		var value C.int
		if i.has(field) && i.integer(field, &value) && value != 0 {
			return true
		}
	}
	return false
}

// Orientation is that of EXIF, 1 to 8; 1 where there is none.
func (i *Image) Orientation() int { return int(C.vips_image_get_orientation(i.pointer)) }

// Profile is the ICC profile, nil where there is none.
func (i *Image) Profile() []byte { return i.Blob("icc-profile-data") }

// Blob is a metadata field of bytes, such as "exif-data"; nil where there is none.
func (i *Image) Blob(field string) []byte {
	if !i.has(field) {
		return nil
	}
	var data unsafe.Pointer
	var length C.size_t
	name := C.CString(field)
	defer C.free(unsafe.Pointer(name))
	if C.vips_image_get_blob(i.pointer, name, &data, &length) != 0 {
		C.vips_error_clear()
		return nil
	}
	return C.GoBytes(data, C.int(length))
}

// TakeColours copies another image's ICC profile and orientation: what its pixels
// mean, when they were decoded elsewhere.
func (i *Image) TakeColours(from *Image) { C.take_colours(i.pointer, from.pointer) }

// SetOrientation changes what Upright goes by.
func (i *Image) SetOrientation(orientation int) error {
	if C.set_orientation(&i.pointer, C.int(orientation)) != 0 {
		return lastError("set orientation")
	}
	return nil
}

func (i *Image) has(field string) bool {
	name := C.CString(field)
	defer C.free(unsafe.Pointer(name))
	return C.has(i.pointer, name) != 0
}

func (i *Image) integer(field string, value *C.int) bool {
	name := C.CString(field)
	defer C.free(unsafe.Pointer(name))
	if C.vips_image_get_int(i.pointer, name, value) != 0 {
		C.vips_error_clear()
		return false
	}
	return true
}

// Flatten lays the picture on white and drops its transparency.
func (i *Image) Flatten() error { return done("flatten", C.flatten(&i.pointer)) }

// Shrink averages whole boxes of pixels; sides are rounded up.
func (i *Image) Shrink(horizontal, vertical int) error {
	return done("shrink", C.shrink(&i.pointer, C.double(horizontal), C.double(vertical)))
}

// Resize resamples to exactly width × height, antialiased.
func (i *Image) Resize(width, height int, kernel Kernel) error {
	horizontal, vertical := float64(width)/float64(i.Width()), float64(height)/float64(i.Height())
	if err := done("resize", C.resize(&i.pointer, C.double(horizontal), C.double(vertical), C.int(kernel))); err != nil {
		return err
	}
	if i.Width() != width || i.Height() != height {
		return fmt.Errorf("libvips resized to %d × %d where %d × %d was asked", i.Width(), i.Height(), width, height)
	}
	return nil
}

// Crop cuts out a rectangle that lies inside the picture.
func (i *Image) Crop(left, top, width, height int) error {
	return done("crop", C.crop(&i.pointer, C.int(left), C.int(top), C.int(width), C.int(height)))
}

// Pad lays the picture at left, top on black of the given size.
func (i *Image) Pad(left, top, width, height int) error {
	return done("pad", C.pad(&i.pointer, C.int(left), C.int(top), C.int(width), C.int(height)))
}

// KeepInMemory computes all pixels now; the photo's bytes are free afterwards.
func (i *Image) KeepInMemory() error { return done("decode", C.keep_in_memory(&i.pointer)) }

// Upright turns the picture as Orientation says.
func (i *Image) Upright() error { return done("turn", C.upright(&i.pointer)) }

// ApplyProfile converts by the embedded ICC profile to 8-bit sRGB.
func (i *Image) ApplyProfile() error { return done("apply profile", C.apply_profile(&i.pointer)) }

// ToSRGB converts any colour space to sRGB, by libvips' own tables.
func (i *Image) ToSRGB() error { return done("convert to sRGB", C.to_srgb(&i.pointer)) }

// ToBytes makes each band one byte; values outside 0 to 255 are clipped.
func (i *Image) ToBytes() error { return done("convert to bytes", C.to_bytes(&i.pointer)) }

// FirstBands drops all bands but the first so many.
func (i *Image) FirstBands(bands int) error {
	return done("take bands", C.first_bands(&i.pointer, C.int(bands)))
}

// Pixels computes the picture and copies its bytes, row by row.
func (i *Image) Pixels() ([]byte, error) {
	var length C.size_t
	pixels := C.vips_image_write_to_memory(i.pointer, &length)
	if pixels == nil {
		return nil, lastError("decode")
	}
	defer C.g_free(C.gpointer(pixels))
	return C.GoBytes(pixels, C.int(length)), nil
}

// Encode saves the picture in memory. The suffix chooses the format and its
// options, as ".webp[Q=75]".
func (i *Image) Encode(suffix string) ([]byte, error) {
	name := C.CString(suffix)
	defer C.free(unsafe.Pointer(name))
	var bytes unsafe.Pointer
	var length C.size_t
	if C.encode(i.pointer, name, &bytes, &length) != 0 {
		return nil, lastError("encode " + suffix)
	}
	defer C.g_free(C.gpointer(bytes))
	return C.GoBytes(bytes, C.int(length)), nil
}

func done(operation string, status C.int) error {
	if status != 0 {
		return lastError(operation)
	}
	return nil
}
