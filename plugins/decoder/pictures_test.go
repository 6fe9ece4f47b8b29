package decoder

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

// quarters has red, green, blue and grey flats.
func quarters(side int) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i, flat := range []color.NRGBA{{200, 40, 40, 255}, {40, 160, 40, 255}, {40, 40, 200, 255}, {128, 128, 128, 255}} {
		corner := image.Pt(i%2*side/2, i/2*side/2)
		draw.Draw(picture, image.Rectangle{corner, corner.Add(image.Pt(side/2, side/2))}, image.NewUniform(flat), image.Point{}, draw.Src)
	}
	return picture
}

func inGo(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := encode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func converted[P draw.Image](from image.Image, to P) P {
	draw.Draw(to, to.Bounds(), from, image.Point{}, draw.Src)
	return to
}

func pngOf(t *testing.T, picture image.Image) []byte {
	return inGo(t, func(file *bytes.Buffer) error { return png.Encode(file, picture) })
}

// asked decodes to one picture and returns it.
func asked(t *testing.T, photo []byte, format *contract.PictureFormat) *image.RGBA {
	t.Helper()
	response, err := decode(t, photo, &contract.DecodeRequest{Pictures: []*contract.PictureFormat{format}})
	if err != nil {
		t.Fatal(err)
	}
	pixels := response.Pictures[0]
	picture := image.NewRGBA(image.Rect(0, 0, int(format.Width), int(format.Height)))
	if len(pixels)*4 != len(picture.Pix)*3 {
		t.Fatalf("%d bytes for %d × %d pixels", len(pixels), format.Width, format.Height)
	}
	for i := range len(pixels) / 3 {
		copy(picture.Pix[4*i:], pixels[3*i:3*i+3])
		picture.Pix[4*i+3] = 255
	}
	return picture
}

// near compares the mean difference of the channels, 0 to 255.
func near(t *testing.T, name string, got, want image.Image, tolerance float64) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Errorf("%s: %v, want %v", name, got.Bounds(), want.Bounds())
		return
	}
	sum, bounds := 0.0, want.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			sum += distance(got.At(x, y), want.At(x, y))
		}
	}
	if mean := sum / float64(bounds.Dx()*bounds.Dy()); mean > tolerance {
		t.Errorf("%s: the mean difference is %.1f, more than %.1f", name, mean, tolerance)
	}
}

func distance(a, b color.Color) float64 {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	difference := func(x, y uint32) float64 { return float64(max(x, y)-min(x, y)) / 257 }
	return (difference(ar, br) + difference(ag, bg) + difference(ab, bb)) / 3
}

func TestEveryKindOfPixelBecomesRGB(t *testing.T) {
	colours, size := quarters(64), image.Rect(0, 0, 64, 64)
	grey := converted(colours, image.NewGray(size))
	palette := color.Palette{}
	for _, corner := range []image.Point{{1, 1}, {40, 1}, {1, 40}, {40, 40}} {
		palette = append(palette, colours.At(corner.X, corner.Y))
	}
	f := func(name string, photo []byte, want image.Image, tolerance float64) {
		t.Helper()
		near(t, name, asked(t, photo, squash(64, 64)), want, tolerance)
	}
	f("JPEG", inGo(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, colours, &jpeg.Options{Quality: 95}) }), colours, 4)
	f("JPEG, grey", inGo(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, grey, nil) }), grey, 2)
	f("PNG", pngOf(t, colours), colours, 0.1)
	f("PNG, 16 bit", pngOf(t, converted(colours, image.NewNRGBA64(size))), colours, 0.5)
	f("PNG, grey", pngOf(t, grey), grey, 0.1)
	f("PNG, grey, 16 bit", pngOf(t, converted(grey, image.NewGray16(size))), grey, 0.5)
	f("PNG, palette", pngOf(t, converted(colours, image.NewPaletted(size, palette))), colours, 0.1)
	f("GIF", inGo(t, func(b *bytes.Buffer) error {
		return gif.Encode(b, converted(colours, image.NewPaletted(size, palette)), nil)
	}), colours, 0.1)
	f("BMP", inGo(t, func(b *bytes.Buffer) error { return bmp.Encode(b, colours) }), colours, 0.1)
	f("BMP, palette", inGo(t, func(b *bytes.Buffer) error {
		return bmp.Encode(b, converted(colours, image.NewPaletted(size, palette)))
	}), colours, 0.1)
	for _, suffix := range []string{".jpg[interlace]", ".png[interlace]", ".webp[lossless]", ".webp[Q=95]", ".tif", ".tif[tile,compression=deflate]", ".tif[bigtiff]", ".heic[Q=90]", ".avif[Q=90]", ".jxl[Q=95]"} {
		t.Run(suffix, func(t *testing.T) { near(t, suffix, asked(t, encode(t, colours, suffix), squash(64, 64)), colours, 4) })
	}
}

func TestTransparencyIsLaidOnWhite(t *testing.T) {
	picture := quarters(64)
	draw.Draw(picture, image.Rect(0, 0, 32, 32), image.Transparent, image.Point{}, draw.Src)
	want := quarters(64)
	draw.Draw(want, image.Rect(0, 0, 32, 32), image.White, image.Point{}, draw.Src)
	near(t, "8 bit", asked(t, pngOf(t, picture), squash(64, 64)), want, 0.1)
	near(t, "16 bit", asked(t, pngOf(t, converted(picture, image.NewNRGBA64(picture.Rect))), squash(64, 64)), want, 0.5)
}

func TestCMYK(t *testing.T) {
	inks := []byte{0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 0, 0} // paper, black, cyan, magenta
	var pixels []byte
	for i := range 64 {
		ink := inks[i/16*4 : i/16*4+4]
		pixels = append(pixels, bytes.Repeat(ink, 64)...)
	}
	newDecoder(t)
	sheet, err := vips.FromPixels(pixels, 64, 64, vips.CMYK)
	if err != nil {
		t.Fatal(err)
	}
	defer sheet.Close()
	photo, err := sheet.Encode(".jpg[Q=95]")
	if err != nil {
		t.Fatal(err)
	}
	got := asked(t, photo, squash(8, 8))
	paper, black, cyan, magenta := got.RGBAAt(4, 0), got.RGBAAt(4, 2), got.RGBAAt(4, 5), got.RGBAAt(4, 7)
	if paper.R < 245 || paper.B < 245 || black.R > 70 || black.G > 70 {
		t.Errorf("paper is %v, black is %v", paper, black)
	}
	if cyan.R > 80 || cyan.B < 180 || magenta.G > 80 || magenta.R < 180 {
		t.Errorf("cyan is %v, magenta is %v", cyan, magenta)
	}
}

func TestProfileIsApplied(t *testing.T) {
	flat := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(flat, flat.Rect, image.NewUniform(color.NRGBA{180, 90, 90, 255}), image.Point{}, draw.Src)
	plain := asked(t, encode(t, flat, ".png[profile=srgb]"), squash(4, 4)).RGBAAt(2, 2)
	if plain.R != 180 || plain.G != 90 {
		t.Errorf("with an sRGB profile: %v", plain)
	}
	wide := asked(t, encode(t, flat, ".png[profile=p3]"), squash(4, 4)).RGBAAt(2, 2)
	if wide.R < 186 || wide.R > 200 || wide.G > 90 || wide.G < 78 {
		t.Errorf("with a Display P3 profile: %v", wide)
	}
	damaged := pngWithChunk(pngOf(t, flat), "iCCP", []byte("x\x00\x00not a profile"))
	if ignored := asked(t, damaged, squash(4, 4)).RGBAAt(2, 2); ignored.R != 180 {
		t.Errorf("with a damaged profile: %v", ignored)
	}
}

// stored is how a camera held in an orientation stores the upright picture.
func stored(upright *image.NRGBA, orientation int) *image.NRGBA {
	bounds := upright.Rect
	if sideways(orientation) {
		bounds = image.Rect(0, 0, bounds.Dy(), bounds.Dx())
	}
	picture := image.NewNRGBA(bounds)
	right, bottom := bounds.Dx()-1, bounds.Dy()-1
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			at := map[int]image.Point{1: {x, y}, 2: {right - x, y}, 3: {right - x, bottom - y}, 4: {x, bottom - y}, 5: {y, x}, 6: {bottom - y, x}, 7: {bottom - y, right - x}, 8: {y, right - x}}[orientation]
			picture.SetNRGBA(x, y, upright.NRGBAAt(at.X, at.Y))
		}
	}
	return picture
}

func TestOrientations(t *testing.T) {
	upright := gradient(96, 64)
	for orientation := 1; orientation <= 8; orientation++ {
		picture, block := stored(upright, orientation), exif(orientation, "", "", "")
		asJPEG := jpegWithExif(inGo(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, &jpeg.Options{Quality: 98}) }), block)
		asPNG := pngWithChunk(pngOf(t, picture), "eXIf", block)
		near(t, "JPEG", asked(t, asJPEG, squash(96, 64)), upright, 4)
		near(t, "PNG", asked(t, asPNG, squash(96, 64)), upright, 1)
		near(t, "JPEG, an eighth", asked(t, asJPEG, squash(12, 8)), asked(t, pngOf(t, upright), squash(12, 8)), 6)
		response, err := decode(t, asJPEG, &contract.DecodeRequest{ThumbnailSide: 48})
		if err != nil {
			t.Fatal(err)
		}
		if data := response.Metadata; data.Width != 96 || data.Height != 64 || data.Orientation != uint32(orientation) {
			t.Errorf("orientation %d: metadata %v", orientation, data)
		}
		// Go takes WebP's colours for full range, which costs about 8.
		near(t, "thumbnail", thumbnail(t, response), asked(t, pngOf(t, upright), squash(48, 32)), 12)
	}
}

func thumbnail(t *testing.T, response *contract.DecodeResponse) image.Image {
	t.Helper()
	picture, err := webp.Decode(bytes.NewReader(response.Thumbnail))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestThumbnailKeepsShapeAndIsNeverEnlarged(t *testing.T) {
	f := func(width, height, side int, want image.Point) {
		t.Helper()
		response, err := decode(t, pngOf(t, gradient(width, height)), &contract.DecodeRequest{ThumbnailSide: uint32(side)})
		if err != nil {
			t.Fatal(err)
		}
		if got := thumbnail(t, response).Bounds().Size(); got != want {
			t.Errorf("%d × %d: thumbnail of %v, want %v", width, height, got, want)
		}
	}
	f(640, 480, 320, image.Pt(320, 240))
	f(480, 640, 320, image.Pt(240, 320))
	f(100, 50, 320, image.Pt(100, 50))
	f(2000, 1, 320, image.Pt(320, 1))
	f(1, 1, 320, image.Pt(1, 1))
}

// TestFits looks at the middle row and column of a gradient: red grows with x.
func TestFits(t *testing.T) {
	wide := pngOf(t, gradient(300, 100))
	f := func(fit contract.Fit, kernel contract.Kernel, left, right, top uint8) {
		t.Helper()
		got := asked(t, wide, &contract.PictureFormat{Width: 60, Height: 60, Fit: fit, Kernel: kernel})
		l, r, u := got.RGBAAt(0, 30), got.RGBAAt(59, 30), got.RGBAAt(30, 0)
		close := func(a, b uint8) bool { return max(a, b)-min(a, b) < 8 }
		if !close(l.R, left) || !close(r.R, right) || !close(u.B, top) {
			t.Errorf("%v, %v: left %v, right %v, top %v", fit, kernel, l, r, u)
		}
	}
	for _, kernel := range []contract.Kernel{contract.Kernel_KERNEL_LINEAR, contract.Kernel_KERNEL_CUBIC, contract.Kernel_KERNEL_LANCZOS3} {
		f(contract.Fit_FIT_SQUASH, kernel, 2, 253, 64)
		f(contract.Fit_FIT_CROP, kernel, 86, 169, 64) // the middle third
		f(contract.Fit_FIT_PAD, kernel, 2, 253, 0)
	}
}

func TestOneDecodingServesSeveralSizes(t *testing.T) {
	photo := encode(t, gradient(1600, 1200), ".jpg")
	request := &contract.DecodeRequest{Pictures: []*contract.PictureFormat{squash(32, 32), squash(500, 300)}, ThumbnailSide: 160}
	response, err := decode(t, photo, request)
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Pictures) != 2 || len(response.Pictures[0]) != 32*32*3 || len(response.Pictures[1]) != 500*300*3 {
		t.Errorf("%d pictures", len(response.Pictures))
	}
	only, err := decode(t, photo, &contract.DecodeRequest{})
	if err != nil || len(only.Pictures) != 0 || len(only.Thumbnail) != 0 || only.Metadata.Width != 1600 {
		t.Errorf("metadata alone: %v %v", only, err)
	}
}
