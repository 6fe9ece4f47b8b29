// Package eighth decodes JPEGs at an eighth of their size. It is here for speed:
// at that scale each pixel is the mean of a block of 8 × 8, which is the block's
// first coefficient, and libjpeg spends most of its time on the other 63 only to
// throw them away. This package skips them, several in one look at a table.
//
// The pixels are libjpeg's, byte by byte, and the size is that of libvips: colour,
// rounding, and the chroma of 4:2:0 files, of which libjpeg keeps 2 × 2 pixels a
// block.
//
// Accepted are 8-bit Huffman-coded files, sequential in one scan or progressive,
// grey or YCbCr, with chroma whole (4:4:4) or halved on one or both sides (4:2:2,
// 4:4:0, 4:2:0), restart markers included. Everything else is ErrUnsupported, and
// so is every file in which anything is wrong: another decoder has the verdict on
// those. One kind of damage goes unseen, that of scans of a progressive file which
// are not read because no pixel depends on them. It is in Go, as the bytes are a
// stranger's.
//
// Measured on a photo of 12 megapixels and 4 MB, in CPU time: 16 ms, and libvips
// 34; progressive 12 ms, and libvips 198. Two thirds of it is waiting for one look
// at the table after the other, of which each needs what the one before found.
package eighth

import (
	"errors"
	"fmt"
)

// ErrUnsupported says that the file is for another decoder; what it wraps is for
// tests and logs, not for users.
var ErrUnsupported = errors.New("not for the decoder at an eighth")

// refuse says why the file is for another decoder.
func refuse(reason string) error { return fmt.Errorf("%w: %s", ErrUnsupported, reason) }

// mostPixels keeps pictures small where a decoder that works row by row needs
// less memory: of 256 megapixels, 12 MB of pixels remain.
const mostPixels = 1 << 28

// Picture holds rows of pixels without gaps: red, green and blue, or grey.
type Picture struct {
	Width, Height int
	Bands         int // 3 or 1
	Pixels        []byte
}

// Decoder keeps tables and memory between photos. The zero value is ready; use it
// from one goroutine at a time.
type Decoder struct {
	tables tableCache
	stream stream
	frame  frame
	rows   [3][]byte // pixels of one row of MCUs of each component
	pixels []byte
}

// Decode returns the photo at an eighth, sides rounded down as libvips does. The
// pixels are
// valid until the next call.
func (d *Decoder) Decode(photo []byte) (Picture, error) {
	d.frame = frame{}
	p := parser{bytes: photo, decoder: d}
	if err := p.decode(); err != nil {
		return Picture{}, err
	}
	f := &d.frame
	return Picture{Width: f.width, Height: f.height, Bands: len(f.components), Pixels: d.pixels}, nil
}

// grow returns memory of the wanted length, the old one if it suffices.
func grow[T any](memory []T, length int) []T {
	if cap(memory) < length {
		return make([]T, length)
	}
	return memory[:length]
}
