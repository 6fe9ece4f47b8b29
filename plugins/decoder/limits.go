package decoder

import (
	"fmt"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

const (
	// DataLimit is the RLIMIT_DATA that the decoder is made for, in bytes.
	DataLimit = contract.DecoderMemory
	// ownMemory is what the process has mapped for writing without any photo:
	// Go's first heap arena, threads' stacks, libraries. Measured: 126 MiB at the
	// start, 155 MiB after some photos.
	ownMemory = 160 << 20
	// mostPixels bounds the time of formats that are decoded row by row.
	mostPixels = contract.MostMegapixels * 1_000_000
)

// Limits of a decoder.
type Limits struct {
	Pixels int // of a photo
	Memory int // bytes of private writable memory of the process: its RLIMIT_DATA

	// The decoder asks to be replaced after so many photos, or when it holds so
	// many bytes between two of them; 0: never.
	RecyclePhotos int
	RecycleMemory int
}

// DefaultLimits are those that the contract names.
func DefaultLimits() Limits {
	return Limits{
		Pixels: contract.DecoderMegapixels * 1_000_000, Memory: DataLimit,
		RecyclePhotos: contract.DecoderRecyclePhotos, RecycleMemory: contract.DecoderRecycleMemory,
	}
}

// leastMemory is what a decoder needs for itself and one usual photo.
const leastMemory = ownMemory + 96<<20

func (l Limits) check() error {
	switch {
	case l.Memory < leastMemory:
		return fmt.Errorf("a memory limit of %d MiB is too low for a decoder; at least %d MiB are needed", l.Memory>>20, leastMemory>>20)
	case l.Pixels < 1 || l.Pixels > mostPixels:
		return fmt.Errorf("a limit of %d pixels is not between 1 and %d", l.Pixels, mostPixels)
	case l.RecyclePhotos < 0 || l.RecycleMemory < 0:
		return fmt.Errorf("a negative number says nothing about when to replace the process")
	}
	return nil
}

// checkFits refuses from the header what would not fit in memory or take too
// long. libvips decodes row by row where the format allows it; the others need
// the whole picture at once, some of them more than once: bytesHeld for a pixel.
func (l Limits) checkFits(photo size, bytesHeld float64, fileSize int) error {
	pixels := photo.width * photo.height
	if pixels > l.Pixels {
		return sdk.TooLarge("is %d × %d pixels, more than the limit of %d megapixels", photo.width, photo.height, l.Pixels/1_000_000)
	}
	needed, limit := int(float64(pixels)*bytesHeld), l.Memory-ownMemory-fileSize
	if needed > limit {
		return sdk.TooLarge("is %d × %d pixels: decoding needs about %d MiB, and the limit is %d MiB", photo.width, photo.height, needed>>20, limit>>20)
	}
	return nil
}

// bytesHeld is how many bytes the decoders hold at their peak for a pixel of the
// file, found by decoding what just fits; 0 where they go row by row.
func bytesHeld(format format, image *vips.Image, shrink int) float64 {
	stored := float64(image.BytesPerPixel())
	switch format {
	case jpegFormat:
		if image.Interlaced() {
			return 2 * stored // coefficients of 16 bits, at most
		}
	case pngFormat:
		if image.Interlaced() {
			return stored
		}
	case gifFormat:
		return 4 + stored
	case webpFormat:
		const canvases = 16 // four of four bytes, of which not all are touched
		return canvases / float64(max(shrink, 1)*max(shrink, 1))
	case heicFormat:
		return 1.5*stored + 0.5 // the codec's planes, at most 4:2:0 each, and RGB from them
	case avifFormat:
		return 3*stored + 2 // as HEIC, and dav1d keeps frames for reference
	case jxlFormat:
		return 3*4 + stored
	}
	return 0
}
