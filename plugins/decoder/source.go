package decoder

import (
	"runtime"
	"slices"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/eighth"
	"vsed/plugins/decoder/vips"
)

// source is a photo on its way from bytes to a small picture in memory.
type source struct {
	format      format
	bytes       []byte      // of the picture: of a RAW file its preview
	image       *vips.Image // header only, until reduce
	pinner      runtime.Pinner
	full        size // of the file's pixels, before turning
	orientation int
	eighth      *eighth.Decoder // nil: libvips decodes
	limits      Limits
	raw         *rawFile // nil: the file is the picture
}

// size is in pixels.
type size struct{ width, height int }

func (s size) turned() size { return size{s.height, s.width} }

// openHeader reads the header, except for BMP, which has no use without its
// pixels. The caller closes the source and keeps the bytes until then.
func openHeader(format format, photo []byte, limits Limits) (*source, error) {
	s := &source{format: format, bytes: photo, limits: limits}
	if err := s.open(); err != nil {
		s.close()
		return nil, verdict(err)
	}
	s.full = size{s.image.Width(), s.image.Height()}
	s.orientation = s.image.Orientation()
	if s.raw != nil {
		s.orientation = s.raw.orientationOf(s.full)
	}
	return s, nil
}

func (s *source) open() (err error) {
	if slices.Contains(rawFormats(), s.format) {
		if err := s.openRaw(); err != nil || s.image != nil {
			return err
		}
	}
	s.pinner.Pin(&s.bytes[0])
	if s.format == bmpFormat {
		s.image, err = loadBMP(s.bytes, s.limits)
	} else {
		s.image, err = vips.Load(s.format.loader, s.bytes, vips.Options{})
	}
	return err
}

func (s *source) close() {
	if s.image != nil {
		s.image.Close()
	}
	s.pinner.Unpin()
}

// sideways reports whether turning upright swaps width and height.
func sideways(orientation int) bool { return orientation >= 5 }

func (s *source) uprightSize() size {
	if sideways(s.orientation) {
		return s.full.turned()
	}
	return s.full
}

func (s *source) metadata() *contract.Metadata {
	if s.raw != nil {
		return s.raw.metadata(s.uprightSize(), s.orientation)
	}
	return readMetadata(s.format, s.bytes, s.image, s.uprightSize(), s.orientation)
}

// reduce decodes: the picture is then 8-bit sRGB in memory, not yet turned
// upright, and no smaller than least (upright) where the photo is not.
func (s *source) reduce(least size) error {
	if sideways(s.orientation) {
		least = least.turned()
	}
	options := vips.Options{Shrink: s.shrinkOnLoad(least)}
	if err := s.limits.checkFits(s.full, bytesHeld(s.format, s.image, options.Shrink), len(s.bytes)); err != nil {
		return err
	}
	err := s.decode(least, options)
	if s.format == jpegFormat && isTruncated(err) && s.decodeWithEnd(least, options) == nil {
		err = nil
	}
	if err != nil {
		return verdict(err)
	}
	if err := makeSRGB(s.image); err != nil {
		return verdict(err)
	}
	if s.image.Orientation() == s.orientation {
		return nil
	}
	return s.image.SetOrientation(s.orientation)
}

// decode brings the picture into memory, at the scale of the file or smaller.
func (s *source) decode(least size, options vips.Options) error {
	if options != (vips.Options{}) && !s.loadEighth(options) {
		image, err := vips.Load(s.format.loader, s.bytes, options)
		if err != nil {
			return err
		}
		s.image.Close()
		s.image = image
	}
	if s.image.HasAlpha() {
		if err := s.image.Flatten(); err != nil {
			return err
		}
	}
	if err := shrinkByBoxes(s.image, least); err != nil {
		return err
	}
	return s.image.KeepInMemory()
}

// shrinkOnLoad is by what the loader itself can shrink, 0 for not at all. libjpeg
// skips most of the arithmetic at an eighth, libwebp most of the memory.
func (s *source) shrinkOnLoad(least size) int {
	if s.format != jpegFormat && s.format != webpFormat {
		return 0
	}
	for _, factor := range []int{8, 4, 2} {
		if s.full.width/factor >= least.width && s.full.height/factor >= least.height {
			return factor
		}
	}
	return 0
}

// decodeWithEnd tries a JPEG again that is said to be truncated, with an end
// marker: some cameras and transfers lose just that. Where more is missing,
// libjpeg warns, which is an error here.
func (s *source) decodeWithEnd(least size, options vips.Options) error {
	s.bytes = slices.Concat(s.bytes, []byte{0xff, 0xd9})
	s.pinner.Pin(&s.bytes[0])
	options.Strict = true
	return s.decode(least, options)
}

// shrinkByBoxes averages what is still more than twice as large as needed on its
// way from the file, so that large pictures are never in memory as a whole. The
// factor two leaves the rest to the asked kernel.
func shrinkByBoxes(image *vips.Image, least size) error {
	horizontal := max(1, image.Width()/(2*least.width))
	vertical := max(1, image.Height()/(2*least.height))
	if horizontal == 1 && vertical == 1 {
		return nil
	}
	return image.Shrink(horizontal, vertical)
}
