package decoder

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"slices"
	"testing"

	"golang.org/x/image/bmp"
)

// TestGolden decodes a file of every format in every orientation that the format
// can say: shape, colours and metadata.
func TestGolden(t *testing.T) {
	for name, make := range goldenFiles() {
		t.Run(name, func(t *testing.T) {
			for orientation := 1; orientation <= 8; orientation++ {
				upright := gradient(96, 64)
				photo := make(t, stored(upright, orientation), orientation)
				if photo == nil {
					continue // the format cannot say it
				}
				response, err := decode(t, photo, usual())
				if err != nil {
					t.Fatal(err)
				}
				m := response.Metadata
				if m.Format != name || m.Width != 96 || m.Height != 64 {
					t.Errorf("orientation %d: metadata %v", orientation, m)
				}
				near(t, name, asked(t, photo, squash(96, 64)), upright, 5)
				near(t, name, asked(t, photo, squash(24, 16)), asked(t, pngOf(t, upright), squash(24, 16)), 6)
			}
		})
	}
}

// goldenFiles make a file of a stored picture, or nothing for an orientation that
// the format cannot say.
func goldenFiles() map[string]func(*testing.T, *image.NRGBA, int) []byte {
	only := func(make func(*testing.T, *image.NRGBA) []byte) func(*testing.T, *image.NRGBA, int) []byte {
		return func(t *testing.T, picture *image.NRGBA, orientation int) []byte {
			if orientation != 1 {
				return nil
			}
			return make(t, picture)
		}
	}
	by := func(suffix string) func(*testing.T, *image.NRGBA) []byte {
		return func(t *testing.T, picture *image.NRGBA) []byte { return encode(t, picture, suffix) }
	}
	return map[string]func(*testing.T, *image.NRGBA, int) []byte{
		"jpeg": func(t *testing.T, picture *image.NRGBA, orientation int) []byte {
			return jpegWithExif(encode(t, picture, ".jpg[Q=95]"), exif(orientation, "", "", ""))
		},
		"png": func(t *testing.T, picture *image.NRGBA, orientation int) []byte {
			return pngWithChunk(pngOf(t, picture), "eXIf", exif(orientation, "", "", ""))
		},
		"webp": func(t *testing.T, picture *image.NRGBA, orientation int) []byte {
			return webpWithExif(encode(t, picture, ".webp[lossless]"), picture.Rect.Size(), exif(orientation, "", "", ""))
		},
		"tiff": tiffTurned,
		"gif": only(func(t *testing.T, picture *image.NRGBA) []byte {
			return inGo(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, twoFrames(picture)) })
		}),
		"bmp": only(func(t *testing.T, picture *image.NRGBA) []byte {
			return inGo(t, func(b *bytes.Buffer) error { return bmp.Encode(b, picture) })
		}),
		"heic": only(by(".heic[Q=95]")), "avif": only(by(".avif[Q=95]")), "jxl": only(by(".jxl[Q=98]")),
	}
}

// twoFrames shows the picture, then its negative: the first frame is the photo.
func twoFrames(picture *image.NRGBA) *gif.GIF {
	var colours color.Palette
	for red := range 16 {
		for green := range 16 {
			colours = append(colours, color.NRGBA{uint8(red * 17), uint8(green * 17), 64, 255})
		}
	}
	first := converted(picture, image.NewPaletted(picture.Rect, colours))
	second := image.NewPaletted(picture.Rect, colours)
	for i, index := range first.Pix {
		second.Pix[i] = 255 - index
	}
	return &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{10, 10}}
}

// tiffTurned patches the orientation that libvips writes.
func tiffTurned(t *testing.T, picture *image.NRGBA, orientation int) []byte {
	photo := encode(t, picture, ".tif")
	entry := bytes.Index(photo, []byte{0x12, 0x01, 3, 0, 1, 0, 0, 0})
	if entry < 0 {
		t.Skip("this libvips writes no orientation into TIFF files")
	}
	photo[entry+8] = byte(orientation)
	return photo
}

// webpWithExif makes an extended WebP file of a simple one.
func webpWithExif(photo []byte, size image.Point, block []byte) []byte {
	const header, hasExif = 12, 1 << 3
	chunk := func(name string, data []byte) []byte {
		padded := slices.Concat([]byte(name), binary.LittleEndian.AppendUint32(nil, uint32(len(data))), data)
		return append(padded, make([]byte, len(data)%2)...)
	}
	extended := append([]byte{hasExif, 0, 0, 0}, byte(size.X-1), 0, 0, byte(size.Y-1), 0, 0)
	frame := photo[header:]
	if string(frame[:4]) == "VP8X" { // libvips has written one already: the picture's chunk follows
		frame = frame[8+10:]
		for string(frame[:3]) != "VP8" {
			frame = frame[8+binary.LittleEndian.Uint32(frame[4:]):]
		}
		frame = frame[:8+(binary.LittleEndian.Uint32(frame[4:])+1)/2*2]
	}
	body := slices.Concat([]byte("WEBP"), chunk("VP8X", extended), frame, chunk("EXIF", block))
	return slices.Concat([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body)
}

// TestGoldenMetadata: EXIF is found wherever a format keeps it.
func TestGoldenMetadata(t *testing.T) {
	block := exif(1, "Canon", "Canon EOS 5D", "2011:12:13 14:15:16")
	picture := gradient(96, 64)
	for name, photo := range map[string][]byte{
		"jpeg": jpegWithExif(inGo(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }), block),
		"png":  pngWithChunk(pngOf(t, picture), "eXIf", block),
		"webp": webpWithExif(encode(t, picture, ".webp"), picture.Rect.Size(), block),
	} {
		response, err := decode(t, photo, usual())
		if err != nil {
			t.Fatal(err)
		}
		if m := response.Metadata; m.Camera != "Canon EOS 5D" || m.Taken != "2011-12-13T14:15:16" {
			t.Errorf("%s: %v", name, m)
		}
	}
}
