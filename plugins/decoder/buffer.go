package decoder

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"vsed/plugins/sdk"
)

// keptBuffer is how much stays mapped between photos: nearly all fit, and fresh
// pages cost as much as copying into them.
const keptBuffer = 32 << 20

// buffer holds the bytes of one photo outside Go's heap: libvips reads them over
// several calls, and a large file's memory goes back at once, not when the
// garbage collector finds it. The file itself is not mapped: it may be cut short
// by somebody at any time, and touching what is missing ends the process.
type buffer struct {
	memory []byte // mapped, nil at first
}

// read returns the whole file of at most limit bytes; the bytes are valid until release.
func (b *buffer) read(photo *os.File, limit int64) ([]byte, error) {
	information, err := photo.Stat()
	if err != nil {
		return nil, fmt.Errorf("ask the photo's size: %w", err)
	}
	if information.IsDir() {
		return nil, sdk.Rejected("is a folder, not a photo")
	}
	size := information.Size()
	if size > limit {
		return nil, sdk.TooLarge("is a file of %d MiB, more than the limit of %d MiB", size>>20, limit>>20)
	}
	if err := b.reserve(int(size) + 1); err != nil {
		return nil, err
	}
	read, err := io.ReadFull(photo, b.memory[:size+1])
	if err == nil {
		return nil, fmt.Errorf("the file grew while it was read")
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read the photo: %w", err)
	}
	return b.memory[:read], nil
}

// release gives back what is not worth keeping.
func (b *buffer) release() {
	if len(b.memory) > keptBuffer {
		b.unmap()
	}
}

func (b *buffer) reserve(size int) error {
	if size <= len(b.memory) {
		return nil
	}
	b.unmap()
	size = max(size, keptBuffer/4)
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if errors.Is(err, unix.ENOMEM) {
		return sdk.TooLarge("is a file of %d MiB, for which the decoder has no memory", size>>20)
	}
	if err != nil {
		return fmt.Errorf("map %d bytes for the photo: %w", size, err)
	}
	b.memory = memory
	return nil
}

func (b *buffer) unmap() {
	if b.memory != nil {
		_ = unix.Munmap(b.memory) // fails for memory that is not mapped, which this is
		b.memory = nil
	}
}
