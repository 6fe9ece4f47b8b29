package decoder

import (
	"vsed/plugins/decoder/eighth"
	"vsed/plugins/decoder/vips"
)

// loadEighth takes the pixels of a JPEG at an eighth from package eighth, which
// is faster than libvips and makes the same; they get the header's profile and
// orientation. It is false where libvips has to decode, or to say what is wrong.
func (s *source) loadEighth(options vips.Options) bool {
	if s.eighth == nil || s.format != jpegFormat || options != (vips.Options{Shrink: 8}) {
		return false
	}
	picture, err := s.eighth.Decode(s.bytes)
	if err != nil {
		return false
	}
	image, err := fromEighth(s.image, picture)
	if err != nil {
		return false
	}
	s.image.Close()
	s.image = image
	return true
}

func fromEighth(header *vips.Image, picture eighth.Picture) (*vips.Image, error) {
	layout := vips.RGB
	if picture.Bands == 1 {
		layout = vips.Grey
	}
	image, err := vips.FromPixels(picture.Pixels, picture.Width, picture.Height, layout)
	if err != nil {
		return nil, err
	}
	image.TakeColours(header)
	return image, nil
}
