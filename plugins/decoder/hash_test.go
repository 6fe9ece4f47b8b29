package decoder

import (
	"image"
	"image/color"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"testing"

	"vsed/plugins/contract"
)

// hashOf checks that the hash hardly depends on what else is asked.
func hashOf(t *testing.T, photo []byte) uint64 {
	t.Helper()
	var hashes []uint64
	for _, request := range []*contract.DecodeRequest{usual(), {ThumbnailSide: 160}} {
		response, err := decode(t, photo, request)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, response.PerceptualHash)
	}
	if difference := bits.OnesCount64(hashes[0] ^ hashes[1]); difference > 6 {
		t.Errorf("by a squashed picture and by itself: %d bits differ", difference)
	}
	return hashes[0]
}

// scene is a picture of soft shapes and edges, another for each number.
func scene(number, width, height int) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	var phases, slopes [6]float64
	for i := range phases {
		phases[i] = float64(number*(i+1)*(i+1)) * 1.7
		slopes[i] = math.Cos(phases[i])
	}
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			value := 0.0
			for i, phase := range phases {
				value += math.Sin(phase+float64(i+1)*3*u+slopes[i]*5*v) / float64(i+1)
			}
			if math.Sin(8*u+phases[2])*math.Cos(11*v+phases[3]) > 0.2 {
				value = 1 - value
			}
			tone := uint8(128 + 50*math.Max(-2.5, math.Min(2.5, value)))
			picture.SetNRGBA(x, y, color.NRGBA{tone, uint8(float64(tone) * 0.8), 255 - tone, 255})
		}
	}
	return picture
}

func TestPerceptualHash(t *testing.T) {
	var hashes []uint64
	for number := range 8 {
		original := hashOf(t, encode(t, scene(number, 320, 240), ".jpg[Q=95]"))
		for name, photo := range map[string][]byte{
			"quality 40": encode(t, scene(number, 320, 240), ".jpg[Q=40]"),
			"a quarter":  encode(t, scene(number, 160, 120), ".jpg[Q=80]"),
			"larger":     encode(t, scene(number, 800, 600), ".jpg[Q=80]"),
			"WebP":       encode(t, scene(number, 320, 240), ".webp[Q=60]"),
			"turned":     turned(t, scene(number, 320, 240), 1+number),
		} {
			if difference := bits.OnesCount64(original ^ hashOf(t, photo)); difference > 6 {
				t.Errorf("scene %d, %s: %d bits differ", number, name, difference)
			}
		}
		hashes = append(hashes, original)
	}
	for i, a := range hashes {
		for j, b := range hashes[:i] {
			if difference := bits.OnesCount64(a ^ b); difference < 12 {
				t.Errorf("scenes %d and %d differ in %d bits only", i, j, difference)
			}
		}
	}
}

func turned(t *testing.T, upright *image.NRGBA, orientation int) []byte {
	return jpegWithExif(encode(t, stored(upright, orientation), ".jpg[Q=90]"), exif(orientation, "", "", ""))
}

func TestPerceptualHashOfNothing(t *testing.T) {
	flat := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range flat.Pix {
		flat.Pix[i] = 200
	}
	if hash := hashOf(t, encode(t, flat, ".png")); hash != 0 {
		t.Errorf("a flat picture has the hash %x", hash)
	}
	response, err := decode(t, encode(t, scene(1, 64, 64), ".png"), &contract.DecodeRequest{})
	if err != nil || response.PerceptualHash != 0 {
		t.Errorf("without a picture: %x, %v", response.GetPerceptualHash(), err)
	}
}

// A small subject on a plain ground has few frequencies that are stronger than
// noise, and shares them with every other such subject.
func TestPerceptualHashOfASmallSubjectTellsNothing(t *testing.T) {
	subjects := map[string]func(x, y float64) bool{
		"car":         func(x, y float64) bool { return math.Abs(x) < 0.16 && math.Abs(y) < 0.08 },
		"pomegranate": func(x, y float64) bool { return x*x+y*y < 0.13*0.13 },
		"leaf":        func(x, y float64) bool { return math.Abs(x)+2*math.Abs(y) < 0.2 },
	}
	for name, covers := range subjects {
		picture := image.NewNRGBA(image.Rect(0, 0, 240, 240))
		for y := range 240 {
			for x := range 240 {
				tone := color.NRGBA{40, 90, 200, 255}
				if covers(float64(x)/240-0.5, float64(y)/240-0.5) {
					tone = color.NRGBA{220, 60, 50, 255}
				}
				picture.SetNRGBA(x, y, tone)
			}
		}
		if hash := hashOf(t, encode(t, picture, ".jpg[Q=85]")); hash != 0 {
			t.Errorf("a %s on blue has the hash %x, of %d bits", name, hash, bits.OnesCount64(hash))
		}
	}
	textured := hashOf(t, encode(t, scene(3, 320, 240), ".jpg[Q=95]"))
	copied := hashOf(t, encode(t, scene(3, 160, 120), ".jpg[Q=60]"))
	if difference := bits.OnesCount64(textured ^ copied); textured == 0 || copied == 0 || difference > 3 {
		t.Errorf("a smaller copy of a textured picture: %x, %x", textured, copied)
	}
}

// TestPerceptualHashOfRealPhotos: another quality and size of a photo differ from it
// in few bits, other photos in many.
func TestPerceptualHashOfRealPhotos(t *testing.T) {
	paths, _ := filepath.Glob("../../../shared/data/corel5k/photos/*.jp*g")
	if len(paths) < 60 {
		t.Skip("../shared/data/corel5k is not there")
	}
	var hashes []uint64
	worst := 0
	for i := range 60 {
		photo, err := os.ReadFile(paths[i*len(paths)/60])
		if err != nil {
			t.Fatal(err)
		}
		original := hashOf(t, photo)
		for _, variant := range []string{".jpg[Q=50]", ".webp[Q=70]"} {
			worst = max(worst, bits.OnesCount64(original^hashOf(t, encode(t, converted(asked(t, photo, squash(150, 100)), image.NewNRGBA(image.Rect(0, 0, 150, 100))), variant))))
		}
		hashes = append(hashes, original)
	}
	alike := 0
	for i, a := range hashes {
		for _, b := range hashes[:i] {
			if bits.OnesCount64(a^b) <= 6 {
				alike++
			}
		}
	}
	t.Logf("at most %d bits differ between versions; %d of %d pairs of other photos differ in 6 or fewer", worst, alike, 59*30)
	if worst > 6 || alike > 5 {
		t.Fail()
	}
}
