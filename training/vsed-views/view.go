package main

import (
	"context"
	"hash/fnv"
	"image"
	"math/rand/v2"
	"os"

	"golang.org/x/image/draw"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/training/features"
)

// The least and the most of a photo's width and height that a view shows.
const (
	leastShown = 0.65
	mostShown  = 0.95
)

// camera gives a view of what another camera gives.
func camera(plain features.Camera, number int) features.Camera {
	viewed := plain
	viewed.Decoders = nil
	for _, decoder := range plain.Decoders {
		viewed.Decoders = append(viewed.Decoders, viewer{decoder, plain.Format, uint64(number)})
	}
	return viewed
}

// viewer changes the pictures of a decoder.
type viewer struct {
	decoder features.Decoder
	format  *contract.PictureFormat
	number  uint64
}

// Decode decodes a photo and gives the view of it that its name and the view's number
// stand for: always the same one.
func (v viewer) Decode(ctx context.Context, photo *os.File, request host.DecodeRequest) (*host.Decoded, error) {
	found, err := v.decoder.Decode(ctx, photo, request)
	if err != nil {
		return nil, err
	}
	name := fnv.New64a()
	name.Write([]byte(request.Name))
	random := rand.New(rand.NewPCG(name.Sum64(), v.number))
	for i, pixels := range found.Pictures {
		found.Pictures[i] = v.view(pixels, random)
	}
	return found, nil
}

func (v viewer) view(pixels []byte, random *rand.Rand) []byte {
	width, height := int(v.format.GetWidth()), int(v.format.GetHeight())
	shown := image.Rect(0, 0, width, height)
	if v.number > 1 {
		shown = cutOut(width, height, random)
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(picture, picture.Bounds(), opaque(pixels, width, height), shown, draw.Src, nil)
	view := make([]byte, 0, len(pixels))
	for y := range height {
		for x := range width {
			if v.number%2 == 1 {
				x = width - 1 - x
			}
			at := picture.PixOffset(x, y)
			view = append(view, picture.Pix[at:at+3]...)
		}
	}
	return view
}

// cutOut draws a part of a picture, of about its own form.
func cutOut(width, height int, random *rand.Rand) image.Rectangle {
	side := func(whole int) (begin, end int) {
		part := int(float64(whole) * (leastShown + (mostShown-leastShown)*random.Float64()))
		begin = random.IntN(whole - part + 1)
		return begin, begin + part
	}
	left, right := side(width)
	top, bottom := side(height)
	return image.Rect(left, top, right, bottom)
}

func opaque(pixels []byte, width, height int) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(picture.Pix[4*i:], pixels[3*i:3*i+3])
		picture.Pix[4*i+3] = 255
	}
	return picture
}
