package metadata

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// maze is EXIF with a long array of pointers to one huge directory of tags that are
// passed over.
func maze() []byte {
	const pointers, tags = 2000, 65_000
	order := binary.LittleEndian
	block := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x4a\x01\x04\x00")
	block = order.AppendUint32(block, pointers)
	block = order.AppendUint32(block, 26)
	block = append(block, 0, 0, 0, 0)
	directory := uint32(len(block) + 4*pointers)
	for range pointers {
		block = order.AppendUint32(block, directory)
	}
	block = order.AppendUint16(block, tags)
	for range tags {
		block = append(block, 0x0f, 0x01, 2, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0)
	}
	return block
}

func TestMazeOfDirectoriesEnds(t *testing.T) {
	block := maze()
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(block)))
	png := slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk, []byte("eXIf"), block, make([]byte, 4))
	webp := slices.Concat([]byte("RIFF\xff\xff\xff\x00WEBPVP8X\x0a\x00\x00\x00\x08\x00\x00\x00\x0f\x00\x00\x0f\x00\x00EXIF"),
		binary.LittleEndian.AppendUint32(nil, uint32(len(block))), block)
	for kind, photo := range map[Kind][]byte{TIFF: block, PNG: png, WebP: webp} {
		start := time.Now()
		Read(kind, photo)
		if taken := time.Since(start); taken > 2*time.Second {
			t.Errorf("kind %d: %v", kind, taken)
		}
	}
}
