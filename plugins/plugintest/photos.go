package plugintest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"vsed/plugins/contract"
)

// photo is a file that a decoder must read.
type photo struct {
	name          string
	content       []byte
	format        string // empty: not known to the suite
	width, height int    // upright; 0: not known to the suite
	orientation   uint32
	quadrants     *[4]color.RGBA // of the upright photo: top left, top right, bottom left, bottom right; nil: not known
}

var (
	red   = color.RGBA{220, 20, 20, 255}
	green = color.RGBA{20, 200, 20, 255}
	blue  = color.RGBA{20, 20, 220, 255}
	white = color.RGBA{230, 230, 230, 255}
)

// goodPhotos are made by Go's own encoders.
func goodPhotos(t *testing.T) []photo {
	t.Helper()
	plain := [4]color.RGBA{red, green, blue, white}
	turned := [4]color.RGBA{blue, red, white, green} // a quarter to the right
	landscape := quadrants(400, 300, plain)
	return []photo{
		{"plain.png", pngOf(t, landscape), "png", 400, 300, 1, &plain},
		{"plain.jpg", jpegOf(t, landscape), "jpeg", 400, 300, 1, &plain},
		{"turned.jpg", withOrientation(jpegOf(t, landscape), 6), "jpeg", 300, 400, 6, &turned},
		{"wrong name.gif", pngOf(t, landscape), "png", 400, 300, 1, &plain},
		{"name of\nodd bytes \xff.jpg", jpegOf(t, quadrants(1500, 1100, plain)), "jpeg", 1500, 1100, 1, &plain},
		{"grey.png", pngOf(t, image.NewGray(image.Rect(0, 0, 50, 70))), "png", 50, 70, 1, nil},
		{"grey.jpg", jpegOf(t, image.NewGray(image.Rect(0, 0, 50, 70))), "jpeg", 50, 70, 1, nil},
		{"deep.png", pngOf(t, image.NewRGBA64(image.Rect(0, 0, 33, 17))), "png", 33, 17, 1, nil},
		{"clear.png", pngOf(t, image.NewNRGBA(image.Rect(0, 0, 64, 64))), "png", 64, 64, 1, nil},
		{"palette.png", pngOf(t, image.NewPaletted(image.Rect(0, 0, 20, 30), color.Palette{red, green})), "png", 20, 30, 1, nil},
		{"dot.png", pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1))), "png", 1, 1, 1, nil},
		{"thin.png", pngOf(t, image.NewGray(image.Rect(0, 0, 3000, 2))), "png", 3000, 2, 1, nil},
	}
}

// readPhotos returns all files in a folder, not those in folders below.
func readPhotos(t *testing.T, folder string) []photo {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var photos []photo
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		photos = append(photos, photo{name: entry.Name(), content: content})
	}
	return photos
}

// badPhotos must be rejected; brokenPhotos may be rejected or read in part.
func badPhotos() []photo {
	noise := make([]byte, 4096)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	return []photo{
		{name: "empty.jpg"},
		{name: "noise.jpg", content: noise},
		{name: "text.jpg", content: []byte("this is no photo\n")},
		{name: "start.jpg", content: []byte("\xff\xd8\xff")},
		{name: "start.png", content: []byte("\x89PNG\r\n\x1a\n")},
		{name: "huge.png", content: hugePNG()},
	}
}

func brokenPhotos(t *testing.T) []photo {
	t.Helper()
	var photos []photo
	for _, whole := range goodPhotos(t)[:3] {
		for _, share := range []int{10, 50, 95} {
			photos = append(photos, photo{name: whole.name, content: whole.content[:len(whole.content)*share/100]})
		}
		damaged := bytes.Clone(whole.content)
		for i := len(damaged) / 2; i < len(damaged)/2+20; i++ {
			damaged[i] ^= 0x5a
		}
		photos = append(photos, photo{name: whole.name, content: damaged})
	}
	return photos
}

func quadrants(width, height int, colours [4]color.RGBA) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, quadrantAt(colours, float64(x)/float64(width), float64(y)/float64(height)))
		}
	}
	return picture
}

// quadrantAt takes a place from 0 to 1 in either direction.
func quadrantAt(colours [4]color.RGBA, x, y float64) color.RGBA {
	position := 0
	if x >= 0.5 {
		position++
	}
	if y >= 0.5 {
		position += 2
	}
	return colours[position]
}

func pngOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func jpegOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// withOrientation puts an EXIF segment of one entry behind the start of a JPEG.
func withOrientation(file []byte, orientation byte) []byte {
	exif := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	exif[6+8+2+8] = orientation
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return bytes.Join([][]byte{file[:2], segment, exif, file[2:]}, nil)
}

// hugePNG claims 30,000×30,000 pixels in a few bytes.
func hugePNG() []byte {
	header := []byte("IHDR\x00\x00\x75\x30\x00\x00\x75\x30\x08\x02\x00\x00\x00")
	file := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	file = append(file, header...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(header))
}

// expectedAt returns what colour a picture has at a pixel, and false near an edge
// between two colours.
func (p photo) expectedAt(format *contract.PictureFormat, x, y int) (color.RGBA, bool) {
	scaleX, scaleY := float64(format.Width)/float64(p.width), float64(format.Height)/float64(p.height)
	switch format.Fit {
	case contract.Fit_FIT_CROP:
		scaleX = max(scaleX, scaleY)
		scaleY = scaleX
	case contract.Fit_FIT_PAD:
		scaleX = min(scaleX, scaleY)
		scaleY = scaleX
	}
	// Distances from the centre, in pixels of the picture.
	fromX, fromY := float64(x)+0.5-float64(format.Width)/2, float64(y)+0.5-float64(format.Height)/2
	halfX, halfY := float64(p.width)*scaleX/2, float64(p.height)*scaleY/2
	const margin = 4
	for _, distance := range []float64{fromX, fromY, fromX - halfX, fromX + halfX, fromY - halfY, fromY + halfY} {
		if distance > -margin && distance < margin {
			return color.RGBA{}, false
		}
	}
	if fromX < -halfX || fromX > halfX || fromY < -halfY || fromY > halfY {
		return color.RGBA{A: 255}, true
	}
	return quadrantAt(*p.quadrants, fromX/(2*halfX)+0.5, fromY/(2*halfY)+0.5), true
}
