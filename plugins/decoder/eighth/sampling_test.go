package eighth

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
)

// resampled makes a JPEG in colour with the sampling factors of luma out of a
// grey one, whose blocks it deals out to the components: neither libvips nor Go
// writes chroma that is halved on one side only.
func resampled(t *testing.T, horizontal, vertical, mcusWide, mcusHigh int) []byte {
	t.Helper()
	blocks := mcusWide * mcusHigh * (horizontal*vertical + 2)
	pixels := scene(8*blocks, 8, 1, uint64(blocks))
	for i := range pixels {
		pixels[i] = 128 + pixels[i]/16 // differences that add up to no more than a pixel holds
	}
	grey := encode(t, pixels, 8*blocks, 8, 1, "Q=90,strip")
	frame := bytes.Index(grey, []byte{0xff, markerBaseline})
	start := bytes.Index(grey, []byte{0xff, markerScan})
	const frameLength, scanLength = 2 + 11, 2 + 8
	width, height := 8*horizontal*mcusWide-3, 8*vertical*mcusHigh-2
	return slices.Concat(grey[:frame],
		[]byte{0xff, markerBaseline, 0, 17, 8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), 3},
		[]byte{1, byte(horizontal<<4 | vertical), 0, 2, 0x11, 0, 3, 0x11, 0},
		grey[frame+frameLength:start],
		[]byte{0xff, markerScan, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0},
		grey[start+scanLength:])
}

func TestEverySampling(t *testing.T) {
	for horizontal := 1; horizontal <= 2; horizontal++ {
		for vertical := 1; vertical <= 2; vertical++ {
			for _, mcus := range [][2]int{{2, 2}, {2, 3}, {7, 5}, {20, 11}} {
				name := fmt.Sprintf("%d × %d, %v MCUs", horizontal, vertical, mcus)
				same(t, name, resampled(t, horizontal, vertical, mcus[0], mcus[1]))
			}
		}
	}
}

func TestGoJPEGs(t *testing.T) {
	needVips(t)
	picture := image.NewNRGBA(image.Rect(0, 0, 203, 97))
	pixels := scene(203, 97, 3, 7)
	for i := range 203 * 97 {
		picture.SetNRGBA(i%203, i/203, color.NRGBA{pixels[3*i], pixels[3*i+1], pixels[3*i+2], 255})
	}
	for _, quality := range []int{1, 25, 75, 95, 100} {
		var photo bytes.Buffer
		if err := jpeg.Encode(&photo, picture, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint(quality), photo.Bytes())
	}
}

func TestHeaderAloneClaimsNoMemory(t *testing.T) {
	for _, options := range []string{"Q=75", "Q=75,interlace"} {
		photo := encode(t, scene(64, 64, 3, 1), 64, 64, 3, options)
		frame := max(bytes.Index(photo, []byte{0xff, markerBaseline}), bytes.Index(photo, []byte{0xff, markerProgressive}))
		copy(photo[frame+5:], []byte{0x3f, 0, 0x3f, 0}) // 16128 × 16128
		var d Decoder
		if _, err := d.Decode(photo); err == nil {
			t.Error("a header without data was accepted")
		}
		if cap(d.pixels) > 0 {
			t.Errorf("%d bytes were allocated", cap(d.pixels))
		}
	}
}
