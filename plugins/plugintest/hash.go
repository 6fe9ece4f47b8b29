package plugintest

import (
	"image"
	"image/color"
	"math/bits"
	"testing"

	"vsed/plugins/host"
)

// alikeBits and otherBits are how many bits may differ between versions of a
// picture, and must between other pictures.
const alikeBits, otherBits = 6, 12

func (s *decoderSuite) perceptualHash(t *testing.T) {
	pictures := []image.Image{bars(640, 480, 3), bars(640, 480, 5), bars(640, 480, 8)}
	var hashes []uint64
	for i, picture := range pictures {
		original := s.hash(t, photo{name: "photo.png", content: pngOf(t, picture)})
		smaller := s.hash(t, photo{name: "smaller.jpg", content: jpegOf(t, bars(320, 240, []int{3, 5, 8}[i]))})
		if difference := bits.OnesCount64(original ^ smaller); difference > alikeBits {
			t.Errorf("the hashes of a picture and its smaller version differ in %d bits, more than %d", difference, alikeBits)
		}
		for _, other := range hashes {
			if difference := bits.OnesCount64(original ^ other); difference < otherBits {
				t.Errorf("the hashes of two pictures differ in %d bits, fewer than %d", difference, otherBits)
			}
		}
		hashes = append(hashes, original)
	}
	decoded, err := s.decode(t, s.samples[0], host.DecodeRequest{})
	if err != nil || decoded.PerceptualHash != 0 {
		t.Errorf("metadata alone: hash %x, %v", decoded.PerceptualHash, err)
	}
}

func (s *decoderSuite) hash(t *testing.T, photo photo) uint64 {
	t.Helper()
	decoded, err := s.decode(t, photo, host.DecodeRequest{ThumbnailSide: thumbnailSide})
	if err != nil {
		t.Fatal(err)
	}
	return decoded.PerceptualHash
}

// bars is a pattern of slanting bars whose widths grow, other ones for each number.
func bars(width, height, number int) image.Image {
	picture := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			phase := float64(number) * (u*u + v*float64(number%4) + u*v)
			shade := 40 + 30*u + 20*v
			if int(phase)%2 == 1 {
				shade += 120
			}
			picture.SetGray(x, y, color.Gray{uint8(shade)})
		}
	}
	return picture
}
