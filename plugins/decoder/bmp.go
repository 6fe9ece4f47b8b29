package decoder

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/bmp"

	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

// loadBMP decodes in Go: libvips reads BMP only through ImageMagick, which is
// not for strangers' bytes.
func loadBMP(photo []byte, limits Limits) (*vips.Image, error) {
	header, err := bmp.DecodeConfig(bytes.NewReader(photo))
	if err != nil {
		return nil, bmpVerdict(err)
	}
	const held = 3 * 4 // as decoded, as four bytes a pixel, and libvips' copy
	if err := limits.checkFits(size{header.Width, header.Height}, held, len(photo)); err != nil {
		return nil, err
	}
	picture, err := bmp.Decode(bytes.NewReader(photo))
	if err != nil {
		return nil, bmpVerdict(err)
	}
	return vips.FromPixels(straightPixels(picture), header.Width, header.Height, vips.RGBA)
}

// straightPixels returns red, green, blue and alpha of each pixel, alpha not
// multiplied in.
func straightPixels(picture image.Image) []byte {
	switch picture := picture.(type) {
	case *image.NRGBA:
		return picture.Pix
	case *image.RGBA: // package bmp makes these without transparency
		return picture.Pix
	}
	straight := image.NewNRGBA(picture.Bounds())
	draw.Draw(straight, straight.Bounds(), picture, picture.Bounds().Min, draw.Src)
	return straight.Pix
}

func bmpVerdict(err error) error {
	switch {
	case errors.Is(err, bmp.ErrUnsupported):
		return sdk.Rejected("is a BMP of an unusual kind, which vsed does not read")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return sdk.Rejected(truncatedVerdict)
	}
	return sdk.Rejected("cannot be decoded: %s", clean(err.Error(), longestComplaint))
}
