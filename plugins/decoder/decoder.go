// Package decoder turns the bytes of one photo into what the daemon keeps of it:
// digest, metadata, pixels at the sizes asked for, thumbnail. All comes out of one
// reading of the file and one decoding of the picture.
//
// Photos come from strangers. So the format is found from the content, by this
// package and not by libvips; what would not fit in the memory limit is refused
// from its header; and every refusal says what the file is, in words that follow
// its name: "is text, not a photo". Whatever libvips does wrong beyond that is
// contained by package sandbox, which this package does not know.
package decoder

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/eighth"
	"vsed/plugins/decoder/metadata"
	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

// Version of the decoder: it changes with the pixels that it makes.
const Version = "1"

// Decoder decodes one photo at a time; it is safe for concurrent use.
type Decoder struct {
	limits  Limits
	account *os.File // of the process's memory; nil where the system has none

	mutex   sync.Mutex
	formats []string // those that this machine's libraries really decode
	buffer  buffer
	eighth  eighth.Decoder
	photos  int    // read since the start
	retire  string // why this process should be replaced
}

// New initialises libvips for the whole process and decodes one small sample of
// each format. That loads everything that libvips, libheif and libjxl load
// late: nothing needs to be opened after it.
func New(limits Limits) (*Decoder, error) {
	if err := limits.check(); err != nil {
		return nil, sdk.Setup("%w", err)
	}
	if err := vips.Start("vsed-decoder-vips", loaderClasses()); err != nil {
		return nil, sdk.Setup("%w", err)
	}
	d := &Decoder{limits: limits}
	d.account, _ = os.Open("/proc/self/statm") // once: nothing can be opened later
	if err := d.warm(); err != nil {
		return nil, sdk.Setup("%w", err)
	}
	return d, nil
}

// Describe answers the host.
func (d *Decoder) Describe(context.Context) (*contract.DecoderDescription, error) {
	return &contract.DecoderDescription{
		Name:    "vips",
		Version: Version + "+libvips-" + vips.Version(),
		Formats: d.Formats(),
	}, nil
}

// Formats are those that this machine's libvips really decodes.
func (d *Decoder) Formats() []string { return slices.Clone(d.formats) }

// Decode reads the photo from its start. A refusal of the photo itself is an
// error of sdk.Rejected or sdk.TooLarge. A context that ends is noticed between
// the steps, of which decoding is the one long one.
func (d *Decoder) Decode(ctx context.Context, photo *os.File, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	if err := checkRequest(request); err != nil {
		return nil, err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.photos++
	bytes, err := d.buffer.read(photo, int64(d.limits.Memory)/2) // the other half is for pixels
	if err != nil {
		return nil, err
	}
	defer d.buffer.release()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the photo: %w", err)
	}
	response, err := d.decode(ctx, bytes, request)
	if errors.Is(err, errMemory) {
		d.retire = "a photo needed more memory than there is" // libraries may be left half done
	}
	return response, err
}

// ReadSidecar reads an XMP sidecar. What is none is an error of sdk.Rejected.
func (d *Decoder) ReadSidecar(_ context.Context, sidecar *os.File, _ *contract.ReadSidecarRequest) (*contract.Metadata, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	packet, err := d.buffer.read(sidecar, contract.SidecarLimit)
	if err != nil {
		return nil, err
	}
	defer d.buffer.release()
	found, err := metadata.ReadSidecar(packet)
	if err != nil {
		return nil, sdk.Rejected("%s", clean(err.Error(), longestComplaint))
	}
	return found, nil
}

func (d *Decoder) decode(ctx context.Context, photo []byte, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	format, err := d.format(photo)
	if err != nil {
		return nil, err
	}
	source, err := openHeader(format, photo, d.limits)
	if err != nil {
		return nil, err
	}
	defer source.close()
	source.eighth = &d.eighth
	digest := sha256.Sum256(photo)
	response := &contract.DecodeResponse{Digest: digest[:], Metadata: source.metadata()}
	if len(request.GetPictures()) == 0 && request.GetThumbnailSide() == 0 {
		return response, nil
	}
	if err := source.reduce(leastSize(request, source.uprightSize())); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("decode the photo: %w", err)
	}
	if err := render(source.image, request, response); err != nil {
		return nil, err
	}
	response.PerceptualHash, err = hashPhoto(source.image, request, response)
	return response, err
}

// format finds the format from the content and that libvips can decode it here.
func (d *Decoder) format(photo []byte) (format, error) {
	format, err := identify(photo)
	if err != nil {
		return format, err
	}
	if d.decodes(format) {
		return format, nil
	}
	return format, sdk.Rejected("is a photo in %s, which this machine's libvips %s cannot decode", format.title, vips.Version())
}

func (d *Decoder) decodes(format format) bool { return slices.Contains(d.formats, format.name) }

// Largest side of a picture or thumbnail that may be asked for, in pixels.
const largestSide = 4096

func checkRequest(request *contract.DecodeRequest) error {
	if request.GetThumbnailSide() > largestSide {
		return fmt.Errorf("a thumbnail of %d pixels was asked for; %d is the most", request.GetThumbnailSide(), largestSide)
	}
	for _, picture := range request.GetPictures() {
		if picture.GetWidth() == 0 || picture.GetHeight() == 0 || picture.GetWidth() > largestSide || picture.GetHeight() > largestSide {
			return fmt.Errorf("a picture of %d × %d pixels was asked for; sides are 1 to %d", picture.GetWidth(), picture.GetHeight(), largestSide)
		}
		if _, known := kernels[picture.GetKernel()]; !known {
			return fmt.Errorf("a picture was asked for without a known kernel: %v", picture.GetKernel())
		}
		switch picture.GetFit() {
		case contract.Fit_FIT_SQUASH, contract.Fit_FIT_CROP, contract.Fit_FIT_PAD:
		default:
			return fmt.Errorf("a picture was asked for without a known fit: %v", picture.GetFit())
		}
	}
	return nil
}
