package decoder

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// exif makes an EXIF block with what the decoder reads.
func exif(orientation int, maker, model, taken string) []byte {
	order := binary.LittleEndian
	type entry struct {
		tag, kind uint16
		value     []byte
	}
	ascii := func(tag uint16, text string) entry { return entry{tag, 2, append([]byte(text), 0)} }
	short := entry{0x0112, 3, order.AppendUint16(nil, uint16(orientation))}
	long := func(value uint32) entry { return entry{0x8769, 4, order.AppendUint32(nil, value)} }
	directory := func(block []byte, entries []entry) []byte {
		data := uint32(len(block) + 2 + 12*len(entries) + 4)
		var values []byte
		block = order.AppendUint16(block, uint16(len(entries)))
		for _, entry := range entries {
			count := uint32(len(entry.value))
			if entry.kind != 2 {
				count = 1
			}
			block = order.AppendUint16(block, entry.tag)
			block = order.AppendUint16(block, entry.kind)
			block = order.AppendUint32(block, count)
			if len(entry.value) <= 4 {
				block = append(block, append(slices.Clone(entry.value), make([]byte, 4-len(entry.value))...)...)
				continue
			}
			block = order.AppendUint32(block, data+uint32(len(values)))
			values = append(values, entry.value...)
		}
		return append(order.AppendUint32(block, 0), values...)
	}
	start := append([]byte("II*\x00"), 8, 0, 0, 0)
	first := func(second uint32) []byte {
		return directory(start, []entry{ascii(0x010f, maker), ascii(0x0110, model), short, long(second)})
	}
	block := first(0)
	block = first(uint32(len(block)))
	return directory(block, []entry{ascii(0x9003, taken)})
}

func jpegWithExif(photo, block []byte) []byte {
	segment := append([]byte("Exif\x00\x00"), block...)
	header := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(segment)+2))
	return slices.Concat(photo[:2], header, segment, photo[2:])
}

// pngWithChunk puts a chunk behind IHDR.
func pngWithChunk(photo []byte, name string, data []byte) []byte {
	const headerEnd = 8 + 25
	body := append([]byte(name), data...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = binary.BigEndian.AppendUint32(append(chunk, body...), crc32.ChecksumIEEE(body))
	return slices.Concat(photo[:headerEnd], chunk, photo[headerEnd:])
}

func TestMetadataIsReadAndMadeSafe(t *testing.T) {
	plain := encode(t, gradient(64, 32), ".jpg")
	f := func(maker, model, taken, wantCamera, wantTaken string) {
		t.Helper()
		response, err := decode(t, jpegWithExif(plain, exif(1, maker, model, taken)), usual())
		if err != nil {
			t.Fatal(err)
		}
		if data := response.Metadata; data.Camera != wantCamera || data.Taken != wantTaken || data.Width != 64 || data.Height != 32 {
			t.Errorf("got %v, want camera %q, taken %q", data, wantCamera, wantTaken)
		}
	}
	f("Canon", "Canon EOS 5D", "2011:12:13 14:15:16", "Canon EOS 5D", "2011-12-13T14:15:16")
	f("NIKON CORPORATION", "NIKON D70", "2004:02:29 00:00:00", "NIKON D70", "2004-02-29T00:00:00")
	f("Fairphone", "FP4", "0000:00:00 00:00:00", "Fairphone FP4", "")
	f("Maker (odd), ASCII", "M (x) (y)", "2023:02:30 10:00:00", "Maker (odd), ASCII M (x) (y)", "")
	f("", "", "    :  :     :  :  ", "", "")
	f("A\x1b[31m\nB", "C\x7f", "yesterday", "A[31mB C", "")
	f("", strings.Repeat("x", 1500), "", strings.Repeat("x", 200), "")
	f("", strings.Repeat("x", 5000), "", "", "")
}

func FuzzClean(f *testing.F) {
	f.Add("Canon\x00\xff EOS", 5)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = most & 0xff
		got := clean(text, most)
		if len(got) > most || got != clean(got, most) || bytes.ContainsAny([]byte(got), "\x00\n\r\x1b\x7f") {
			t.Errorf("clean(%q, %d) = %q", text, most, got)
		}
	})
}
