package decoder

import (
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

const (
	// DataLimit is the RLIMIT_DATA that the decoder is made for, in bytes. Below
	// it a 48 megapixel HEIC still decodes; above it, one bad photo in each of
	// eight processes would push other things out of a small machine's memory.
	DataLimit = 512 << 20
	// ownMemory is what the process has mapped for writing without any photo:
	// Go's first heap arena, threads' stacks, libraries. Measured: about 130 MiB.
	ownMemory = 160 << 20
	// mostPixels bounds the time of formats that are decoded row by row: PNG
	// takes some five seconds for so many.
	mostPixels = 1 << 30
)

// checkFits refuses from the header what would not fit in memory or take too
// long. libvips decodes row by row where the format allows it; the others need
// the whole picture at once, some of them more than once: bytesHeld for a pixel.
func checkFits(photo size, bytesHeld int64, fileSize int) error {
	pixels := int64(photo.width) * int64(photo.height)
	if pixels > mostPixels {
		return sdk.TooLarge("is %d × %d pixels, more than the limit of %d megapixels", photo.width, photo.height, mostPixels/1_000_000)
	}
	needed, limit := pixels*bytesHeld, int64(DataLimit-ownMemory-fileSize)
	if needed > limit {
		return sdk.TooLarge("is %d × %d pixels: decoding needs about %d MiB, and the limit is %d MiB", photo.width, photo.height, needed>>20, limit>>20)
	}
	return nil
}

// bytesHeld is how many bytes a pixel the decoders hold at their peak, at the
// size of the file; 0 for formats that are decoded row by row.
func bytesHeld(format format, image *vips.Image) int64 {
	stored := int64(image.BytesPerPixel())
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
		return 4 + 2 // libwebp holds luma and chroma beside what it returns
	case heicFormat, avifFormat:
		return 2*stored + 2
	case jxlFormat:
		return 3*4 + stored
	}
	return 0
}
