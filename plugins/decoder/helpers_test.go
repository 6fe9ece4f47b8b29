package decoder

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

var oneDecoder = sync.OnceValues(func() (*Decoder, error) { return New(DefaultLimits()) }) // libvips is initialised once a process

func newDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := oneDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// gradient differs in each corner: red grows to the right, green downwards.
func gradient(width, height int) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / max(1, width-1)), uint8(255 * y / max(1, height-1)), 64, 255})
		}
	}
	return picture
}

// encode saves with libvips, for formats that Go's library does not write.
func encode(t testing.TB, picture *image.NRGBA, suffix string) []byte {
	t.Helper()
	newDecoder(t)
	image, err := vips.FromPixels(picture.Pix, picture.Rect.Dx(), picture.Rect.Dy(), vips.RGBA)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := image.FirstBands(3); err != nil {
		t.Fatal(err)
	}
	photo, err := image.Encode(suffix)
	if err != nil {
		t.Skipf("this libvips cannot save %s: %v", suffix, err)
	}
	return photo
}

// asFile puts a photo into a file, as the decoder gets it.
func asFile(t testing.TB, photo []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, photo, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func squash(width, height uint32) *contract.PictureFormat {
	return &contract.PictureFormat{Width: width, Height: height, Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_CUBIC}
}

func usual() *contract.DecodeRequest {
	return &contract.DecodeRequest{Pictures: []*contract.PictureFormat{squash(224, 224)}, ThumbnailSide: 320}
}

func decode(t testing.TB, photo []byte, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	t.Helper()
	return newDecoder(t).Decode(t.Context(), asFile(t, photo), request)
}
