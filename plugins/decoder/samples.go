package decoder

import (
	"embed"
	"fmt"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

// Photos of 16 × 16 pixels, one a format, made by this package's tests.
//
//go:embed samples
var samples embed.FS

// sample returns the small photo of a format.
func sample(format format) ([]byte, error) {
	return samples.ReadFile("samples/sample." + format.name)
}

// warm decodes each sample, which finds out what this machine's libvips decodes.
func (d *Decoder) warm() error {
	for _, format := range knownFormats() {
		photo, err := sample(format)
		if err != nil {
			return fmt.Errorf("read the %s sample: %w", format.title, err)
		}
		if decodeSample(format, photo) == nil {
			d.formats = append(d.formats, format.name)
		}
	}
	if len(d.formats) <= 1 { // BMP is decoded without libvips
		return fmt.Errorf("libvips %s decodes none of the formats; install libvips42", vips.Version())
	}
	return nil
}

// CheckSamples decodes the sample of each format that Describe names. It shows
// that nothing that decoding needs is missing in a sandbox.
func (d *Decoder) CheckSamples() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for _, format := range knownFormats() {
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
