package plugintest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/webp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	thumbnailSide   = 160 // pixels
	colourTolerance = 24  // of 255: JPEG and the kernels' overshoot
)

// decoderSuite is one decoder under test, as a host sees it and directly.
type decoderSuite struct {
	host    *host.DecoderHost
	process *host.Process
	client  contract.DecoderClient
	samples []photo
	ticket  uint64 // of the last direct call
}

// Decoder tests the decoder that command starts, on photos that it makes and on
// all files in the folder samples, which the decoder must read; empty: no more
// photos. It starts two processes.
func Decoder(t *testing.T, command host.Command, samples string) {
	t.Helper()
	command = prepare(t, command, host.Decoder)
	suite := &decoderSuite{host: host.NewDecoder(command, host.Policy{}, quiet()), process: launch(t, command)}
	t.Cleanup(func() { suite.host.Close() })
	suite.client = contract.NewDecoderClient(suite.process.Connection())
	suite.samples = goodPhotos(t)
	if samples != "" {
		suite.samples = append(suite.samples, readPhotos(t, samples)...)
	}

	t.Run("describe is stable", suite.describe)
	t.Run("photos at every fit and kernel", suite.photos)
	t.Run("metadata alone", suite.metadataAlone)
	t.Run("thumbnails", suite.thumbnails)
	t.Run("perceptual hashes", suite.perceptualHash)
	t.Run("sidecars", suite.sidecars)
	t.Run("bad files are rejected", suite.bad)
	t.Run("broken files do no harm", suite.broken)
	t.Run("a folder is rejected", suite.folder)
	t.Run("an unknown ticket is an error", suite.unknownTicket)
	t.Run("calls that are given up", suite.abandonment)
	t.Run("ends with its host", func(t *testing.T) { endsWithItsHost(t, suite.process) })
}

func (s *decoderSuite) describe(t *testing.T) {
	want, err := s.host.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		description, err := s.client.Describe(t.Context(), &contract.DescribeRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(description, want) {
			t.Errorf("two processes or calls describe the decoder as\n%v and\n%v", description, want)
		}
	}
	for _, format := range []string{"jpeg", "png"} {
		if !slices.Contains(want.GetFormats(), format) {
			t.Errorf("a decoder must read %s; it reads %v", format, want.GetFormats())
		}
	}
}

// allFormats is every fit with every kernel, at a size of its own.
func allFormats() []*contract.PictureFormat {
	var formats []*contract.PictureFormat
	for _, fit := range []contract.Fit{contract.Fit_FIT_SQUASH, contract.Fit_FIT_CROP, contract.Fit_FIT_PAD} {
		for i, kernel := range []contract.Kernel{contract.Kernel_KERNEL_LINEAR, contract.Kernel_KERNEL_CUBIC, contract.Kernel_KERNEL_LANCZOS3} {
			size := [][2]uint32{{64, 64}, {120, 40}, {40, 120}}[i]
			formats = append(formats, &contract.PictureFormat{Width: size[0], Height: size[1], Fit: fit, Kernel: kernel})
		}
	}
	return formats
}

// photos relies on the host for the lengths of pictures.
func (s *decoderSuite) photos(t *testing.T) {
	formats := allFormats()
	for _, photo := range s.samples {
		decoded, err := s.decode(t, photo, host.DecodeRequest{Pictures: formats})
		if err != nil {
			t.Errorf("%q: %v", photo.name, err)
			continue
		}
		photo.checkFacts(t, decoded)
		if photo.quadrants == nil {
			continue
		}
		for i, format := range formats {
			photo.checkColours(t, format, decoded.Pictures[i])
		}
	}
}

// checkFacts compares what does not depend on the request.
func (p photo) checkFacts(t *testing.T, decoded *host.Decoded) {
	t.Helper()
	if decoded.Digest != sha256.Sum256(p.content) {
		t.Errorf("%q: the digest is not the file's SHA-256", p.name)
	}
	if p.format == "" {
		return
	}
	m := decoded.Metadata
	if m.GetFormat() != p.format || int(m.GetWidth()) != p.width || int(m.GetHeight()) != p.height || m.GetOrientation() != p.orientation {
		t.Errorf("%q: %s, %d×%d, orientation %d; want %s, %d×%d upright, orientation %d",
			p.name, m.GetFormat(), m.GetWidth(), m.GetHeight(), m.GetOrientation(), p.format, p.width, p.height, p.orientation)
	}
}

func (p photo) checkColours(t *testing.T, format *contract.PictureFormat, picture []byte) {
	t.Helper()
	for y := range int(format.Height) {
		for x := range int(format.Width) {
			want, certain := p.expectedAt(format, x, y)
			if !certain {
				continue
			}
			pixel := picture[3*(y*int(format.Width)+x):][:3]
			for channel, value := range [3]uint8{want.R, want.G, want.B} {
				if math.Abs(float64(pixel[channel])-float64(value)) > colourTolerance {
					t.Errorf("%q as %v: pixel %d,%d is %v, want %v", p.name, format, x, y, pixel, want)
					return
				}
			}
		}
	}
}

func (s *decoderSuite) metadataAlone(t *testing.T) {
	for _, photo := range s.samples {
		decoded, err := s.decode(t, photo, host.DecodeRequest{})
		if err != nil {
			t.Errorf("%q: %v", photo.name, err)
			continue
		}
		photo.checkFacts(t, decoded)
	}
}

func (s *decoderSuite) thumbnails(t *testing.T) {
	for _, photo := range s.samples {
		decoded, err := s.decode(t, photo, host.DecodeRequest{ThumbnailSide: thumbnailSide})
		if err != nil {
			t.Errorf("%q: %v", photo.name, err)
			continue
		}
		if err := checkThumbnail(decoded); err != nil {
			t.Errorf("%q: thumbnail: %v", photo.name, err)
		}
	}
}

// checkThumbnail asks for the longest side where the photo has that many pixels;
// a smaller photo may be kept small.
func checkThumbnail(decoded *host.Decoded) error {
	thumbnail, err := webp.DecodeConfig(bytes.NewReader(decoded.Thumbnail))
	if err != nil {
		return fmt.Errorf("is not WebP: %w", err)
	}
	width, height := float64(decoded.Metadata.GetWidth()), float64(decoded.Metadata.GetHeight())
	longest := max(thumbnail.Width, thumbnail.Height)
	if longest > thumbnailSide || (longest < thumbnailSide && max(width, height) >= thumbnailSide) {
		return fmt.Errorf("is %d×%d for %v×%v pixels, want a longest side of %d", thumbnail.Width, thumbnail.Height, width, height, thumbnailSide)
	}
	scale := float64(longest) / max(width, height)
	if math.Abs(width*scale-float64(thumbnail.Width)) > 1 || math.Abs(height*scale-float64(thumbnail.Height)) > 1 {
		return fmt.Errorf("is %d×%d, of another shape than %v×%v", thumbnail.Width, thumbnail.Height, width, height)
	}
	return nil
}

func (s *decoderSuite) bad(t *testing.T) {
	for _, photo := range badPhotos() {
		_, err := s.decode(t, photo, host.DecodeRequest{Pictures: allFormats()[:1], ThumbnailSide: thumbnailSide})
		var rejected *host.RejectedError
		if !errors.As(err, &rejected) || rejected.Reason == "" {
			t.Errorf("%q: %v, want it rejected with a reason", photo.name, err)
		}
	}
	s.works(t)
}

func (s *decoderSuite) broken(t *testing.T) {
	for _, photo := range brokenPhotos(t) {
		_, err := s.decode(t, photo, host.DecodeRequest{Pictures: allFormats()[:1], ThumbnailSide: thumbnailSide})
		var rejected *host.RejectedError
		if err != nil && !errors.As(err, &rejected) {
			t.Errorf("%q, %d bytes: %v", photo.name, len(photo.content), err)
		}
	}
	s.works(t)
}

func (s *decoderSuite) folder(t *testing.T) {
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	_, err = s.host.Decode(t.Context(), folder, host.DecodeRequest{Name: "folder"})
	var rejected *host.RejectedError
	if !errors.As(err, &rejected) {
		t.Errorf("a folder: %v, want it rejected", err)
	}
	s.works(t)
}

func (s *decoderSuite) unknownTicket(t *testing.T) {
	_, err := s.client.Decode(t.Context(), &contract.DecodeRequest{Ticket: 1 << 40})
	if err == nil {
		t.Error("a ticket without a descriptor was decoded")
	}
	if err := s.call(t.Context(), s.process.Connection(), s.samples[0]); err != nil {
		t.Errorf("after an unknown ticket: %v", err)
	}
}

func (s *decoderSuite) abandonment(t *testing.T) {
	survivesAbandonment(t, s.process, func(ctx context.Context, connection grpc.ClientConnInterface) error {
		return s.call(ctx, connection, s.samples[0])
	})
}

// works checks that the process is well after what was done to it.
func (s *decoderSuite) works(t *testing.T) {
	t.Helper()
	photo := s.samples[0]
	decoded, err := s.decode(t, photo, host.DecodeRequest{})
	if err != nil {
		t.Fatalf("the next photo: %v", err)
	}
	photo.checkFacts(t, decoded)
	if problem := s.host.Problem(); problem != "" {
		t.Errorf("the plugin had a problem: %s", problem)
	}
}

// decode goes through the host, which checks the reply.
func (s *decoderSuite) decode(t *testing.T, photo photo, request host.DecodeRequest) (*host.Decoded, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, photo.content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	request.Name = photo.name
	return s.host.Decode(t.Context(), file, request)
}

// call sends a descriptor and a request past the host. Tickets rise from call to
// call, as the host's do.
func (s *decoderSuite) call(ctx context.Context, connection grpc.ClientConnInterface, photo photo) error {
	file, err := unnamedFile(photo.content)
	if err != nil {
		return err
	}
	defer file.Close()
	s.ticket++
	if err := s.process.SendDescriptor(s.ticket, file); err != nil {
		return err
	}
	reply, err := contract.NewDecoderClient(connection).Decode(ctx, &contract.DecodeRequest{Ticket: s.ticket, Name: []byte(photo.name)})
	if err != nil {
		return err
	}
	if digest := sha256.Sum256(photo.content); !bytes.Equal(reply.GetDigest(), digest[:]) {
		return errors.New("the reply is another photo's")
	}
	return nil
}

func unnamedFile(content []byte) (*os.File, error) {
	file, err := os.CreateTemp("", "vsed-photo")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name())
	_, err = file.Write(content)
	return file, err
}
