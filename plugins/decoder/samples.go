package decoder

import (
	"embed"
	"fmt"
	"slices"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

// Photos of 16 × 16 pixels, one a format, made by this package's tests.
//
//go:embed samples
var samples embed.FS

// sampledFormats have a sample: one of the RAW formats stands for all.
func sampledFormats() []format {
	return slices.DeleteFunc(knownFormats(), func(f format) bool { return f != dngFormat && slices.Contains(rawFormats(), f) })
}

// sample returns the small photo of a format.
func sample(format format) ([]byte, error) {
	return samples.ReadFile("samples/sample." + format.name)
}

// warm decodes each sample, which finds out what this machine's libvips decodes.
func (d *Decoder) warm() error {
	for _, format := range sampledFormats() {
		photo, err := sample(format)
		if err != nil {
			return fmt.Errorf("read the %s sample: %w", format.title, err)
		}
		switch {
		case decodeSample(format, photo) != nil:
		case format == dngFormat:
			for _, raw := range rawFormats() {
				d.formats = append(d.formats, raw.name)
			}
		default:
			d.formats = append(d.formats, format.name)
		}
	}
	if !d.decodes(jpegFormat) {
		return fmt.Errorf("libvips %s cannot decode JPEG; install libvips42", vips.Version())
	}
	return nil
}

// CheckSamples decodes the sample of each format that Describe names. It shows
// that nothing that decoding needs is missing in a sandbox.
func (d *Decoder) CheckSamples() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for _, format := range sampledFormats() {
		if !d.decodes(format) {
			continue
		}
		photo, err := sample(format)
		if err != nil {
			return fmt.Errorf("read the %s sample: %w", format.title, err)
		}
		if err := decodeSample(format, photo); err != nil {
			return fmt.Errorf("decode the %s sample: %w", format.title, err)
		}
	}
	return nil
}

// decodeSample takes the way of a real photo, thumbnail included.
func decodeSample(format format, photo []byte) error {
	source, err := openHeader(format, photo, DefaultLimits())
	if err != nil {
		return err
	}
	defer source.close()
	request := &contract.DecodeRequest{
		Pictures:      []*contract.PictureFormat{{Width: 8, Height: 8, Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_CUBIC}},
		ThumbnailSide: 8,
	}
	if err := source.reduce(leastSize(request, source.uprightSize())); err != nil {
		return err
	}
	return render(source.image, request, &contract.DecodeResponse{})
}
