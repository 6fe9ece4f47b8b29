package decoder

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"os"
	"strings"
	"testing"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

func refused(t *testing.T, name string, photo []byte, want string) {
	t.Helper()
	_, err := decode(t, photo, usual())
	if err == nil {
		t.Errorf("%s: decoded, want %q", name, want)
		return
	}
	checkRefusal(t, name, err)
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %q, want %q", name, err, want)
	}
}

func TestRefusalsSayWhatTheFileIs(t *testing.T) {
	refused(t, "empty", nil, "is empty")
	refused(t, "text", []byte("Dear diary,\nnothing happened today.\n"), "is text, not a photo")
	refused(t, "text", []byte("Grüße aus Köln"), "is text, not a photo")
	refused(t, "text that begins as BMP", []byte("BM is short for bitmap, as everybody knows"), "is text, not a photo")
	refused(t, "zeros", make([]byte, 5000), "zero bytes")
	refused(t, "PDF", []byte("%PDF-1.7\n\xff\xfe"), "is a PDF document")
	refused(t, "SVG", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "is an SVG drawing")
	refused(t, "video", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), "is a video")
	refused(t, "RAW of Canon", []byte("II*\x00\x10\x00\x00\x00CR\x02\x00aaaaaaaaaaaa"), "RAW file")
	refused(t, "RAW with a thumbnail first", tiffWith([2]uint32{254, 1}, [2]uint32{330, 100}), "RAW file")
	refused(t, "DNG", tiffWith([2]uint32{50706, 0x0401}), "RAW file")
	refused(t, "noise", bytes.Repeat([]byte{0x93, 0x01, 0x7f, 0xee}, 1000), "none of the formats")
	refused(t, "two bytes of a JPEG", []byte{0xff, 0xd8}, "is truncated")
}

// tiffWith is a TIFF header and a directory of long values.
func tiffWith(tags ...[2]uint32) []byte {
	photo := append([]byte("II*\x00\x08\x00\x00\x00"), byte(len(tags)), 0)
	for _, tag := range tags {
		photo = binary.LittleEndian.AppendUint16(photo, uint16(tag[0]))
		photo = append(photo, 4, 0, 1, 0, 0, 0)
		photo = binary.LittleEndian.AppendUint32(photo, tag[1])
	}
	return append(photo, 0, 0, 0, 0)
}

func TestFolderIsRefused(t *testing.T) {
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if _, err := newDecoder(t).Decode(t.Context(), folder, usual()); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestTruncatedPhotosAreRefused(t *testing.T) {
	picture := noise(400, 300)
	for _, suffix := range []string{".jpg", ".jpg[interlace]", ".png", ".webp", ".gif", ".tif", ".heic", ".avif", ".jxl"} {
		t.Run(suffix, func(t *testing.T) {
			photo := encode(t, picture, suffix)
			_, err := decode(t, photo[:len(photo)/2], usual())
			if err == nil {
				t.Fatal("half of the file was decoded")
			}
			checkRefusal(t, suffix, err)
			t.Log(err)
		})
	}
	photo := encode(t, picture, ".jpg")
	refused(t, "JPEG", photo[:len(photo)/2], "is truncated")
	refused(t, "JPEG without its last kilobyte", photo[:len(photo)-1000], "is truncated")
}

func TestHarmlessEndsOfJPEGs(t *testing.T) {
	picture := noise(400, 300)
	photo := encode(t, picture, ".jpg[Q=95]")
	want := asked(t, photo, squash(224, 224))
	near(t, "without end marker", asked(t, photo[:len(photo)-2], squash(224, 224)), want, 0.1)
	near(t, "with bytes behind the end", asked(t, append(bytes.Clone(photo), "\x00\x00some camera's data"...), squash(224, 224)), want, 0.1)
}

// noise is a picture that compresses badly, so that half of a file is half of it.
func noise(width, height int) *image.NRGBA {
	picture := gradient(width, height)
	state := uint32(1)
	for i := range picture.Pix {
		if i%4 != 3 {
			state = state*1664525 + 1013904223
			picture.Pix[i] += byte(state >> 26)
		}
	}
	return picture
}

// huge is a PNG whose header claims a size; nothing follows it.
func huge(width, height uint32, interlaced byte) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = append(binary.BigEndian.AppendUint32(header, height), 8, 2, 0, 0, interlaced)
	photo := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	photo = binary.BigEndian.AppendUint32(append(photo, header...), crc32.ChecksumIEEE(header))
	return append(photo, "\x00\x00\x00\x0aIDAT\x78\x9c\x01\x00\x00\xff\xff\x00\x00\x00\x01"...)
}

func TestTooLargePicturesAreRefusedFromTheHeader(t *testing.T) {
	refused(t, "interlaced PNG", huge(30000, 30000, 1), "is 30000 × 30000 pixels: decoding needs about 2574 MiB, and the limit is 351 MiB")
	refused(t, "PNG", huge(40000, 40000, 0), "is 40000 × 40000 pixels, more than the limit of 1000 megapixels")
	progressive := encode(t, gradient(64, 64), ".jpg[interlace]")
	frame := bytes.Index(progressive, []byte{0xff, 0xc2})
	binary.BigEndian.PutUint16(progressive[frame+5:], 20000)
	binary.BigEndian.PutUint16(progressive[frame+7:], 20000)
	refused(t, "progressive JPEG", progressive, "is 20000 × 20000 pixels: decoding needs about")
}

func TestLargeWebPIsShrunkWhileItIsRead(t *testing.T) {
	picture := gradient(2400, 1800)
	near(t, "WebP", asked(t, encode(t, picture, ".webp"), squash(64, 48)), asked(t, pngOf(t, picture), squash(64, 48)), 3)
}

func TestLargeFilesAreRefused(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/large.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(DataLimit/2 + 1<<20); err != nil { // sparse
		t.Fatal(err)
	}
	if _, err := newDecoder(t).Decode(t.Context(), file, usual()); err == nil || !strings.Contains(err.Error(), "is a file of 257 MiB, more than the limit of 256 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

func TestWrongRequests(t *testing.T) {
	photo := encode(t, gradient(16, 16), ".png")
	f := func(request *contract.DecodeRequest) {
		t.Helper()
		if _, err := decode(t, photo, request); err == nil {
			t.Errorf("%v was accepted", request)
		}
	}
	with := func(change func(*contract.PictureFormat)) *contract.DecodeRequest {
		format := squash(8, 8)
		change(format)
		return &contract.DecodeRequest{Pictures: []*contract.PictureFormat{format}}
	}
	f(with(func(p *contract.PictureFormat) { p.Width = 0 }))
	f(with(func(p *contract.PictureFormat) { p.Height = 1 << 20 }))
	f(with(func(p *contract.PictureFormat) { p.Fit = contract.Fit_FIT_UNSPECIFIED }))
	f(with(func(p *contract.PictureFormat) { p.Kernel = contract.Kernel_KERNEL_UNSPECIFIED }))
	f(&contract.DecodeRequest{ThumbnailSide: 100_000})
}

func TestCancelledDecoding(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newDecoder(t).Decode(ctx, asFile(t, encode(t, gradient(16, 16), ".png")), usual()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestOnlyNamedLoadersAreOpen: libvips may bring readers of SVG, PDF, MATLAB and
// all of ImageMagick's formats.
func TestOnlyNamedLoadersAreOpen(t *testing.T) {
	newDecoder(t)
	for _, loader := range vips.OpenLoaders() {
		format, _, _ := strings.Cut(loader, "load")
		if !strings.Contains(" jpeg png webp gif tiff heif jxl ", " "+format+" ") {
			t.Errorf("%s is open", loader)
		}
	}
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`)
	for _, loader := range []string{"svgload_buffer", "pdfload_buffer", "magickload_buffer", "radload_buffer", "jp2kload_buffer"} {
		if picture, err := vips.Load(loader, svg, vips.Options{}); err == nil {
			picture.Close()
			t.Errorf("%s loads", loader)
		}
	}
}
