package plugintest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/plugins/plugintest"
	"vsed/plugins/sdk"
)

// roleVariable makes the test binary a decoder plugin.
const roleVariable = "VSED_TEST_ROLE"

// blackDecoder is a plugin whose answers have the right sizes and are wrong: all
// pictures are black, orientation is ignored, thumbnails are empty shells.
type blackDecoder struct{}

func newBlackDecoder(*slog.Logger) (sdk.DecoderServer, error) { return blackDecoder{}, nil }

func (blackDecoder) Confine() error { return nil }

func (blackDecoder) Retire() string { return "" }

func (blackDecoder) ReadSidecar(context.Context, *os.File, *contract.ReadSidecarRequest) (*contract.Metadata, error) {
	return &contract.Metadata{Format: "xmp"}, nil
}

func (blackDecoder) Describe(context.Context) (*contract.DecoderDescription, error) {
	return &contract.DecoderDescription{Name: "black", Version: "1", Formats: []string{"jpeg", "png"}}, nil
}

func (blackDecoder) Decode(_ context.Context, photo *os.File, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	content, err := io.ReadAll(photo)
	if err != nil {
		return nil, err
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, sdk.Rejected("is no photo: %w", err)
	}
	digest := sha256.Sum256(content)
	reply := &contract.DecodeResponse{
		Digest:   digest[:],
		Metadata: &contract.Metadata{Format: format, Width: uint32(config.Width), Height: uint32(config.Height), Orientation: 1},
	}
	for _, picture := range request.Pictures {
		reply.Pictures = append(reply.Pictures, make([]byte, picture.Width*picture.Height*3))
	}
	if request.ThumbnailSide > 0 {
		reply.Thumbnail = []byte("RIFF\x00\x00\x00\x00WEBP")
	}
	return reply, nil
}

// TestBlackDecoder is run by TestSuiteFindsFaultsOfADecoder, to fail.
func TestBlackDecoder(t *testing.T) {
	if os.Getenv(flagsVariable) == "" {
		t.Skip("is run by TestSuiteFindsFaultsOfADecoder")
	}
	plugintest.Decoder(t, host.Command{Name: "black", Path: os.Args[0],
		Env: []string{roleVariable + "=decoder", "GORACE=atexit_sleep_ms=0"}}, "")
}

func TestSuiteFindsFaultsOfADecoder(t *testing.T) {
	command := exec.Command(os.Args[0], "-test.run", "^TestBlackDecoder$", "-test.v")
	command.Env = append(os.Environ(), flagsVariable+"=black")
	output, err := command.CombinedOutput()
	if err == nil {
		t.Error("the suite found no fault")
	}
	for _, want := range []string{
		`"plain.jpg" as width:64`, "is [0 0 0], want {220 20 20 255}",
		`"turned.jpg": jpeg, 400×300, orientation 1; want jpeg, 300×400 upright, orientation 6`,
		"thumbnail: is not WebP", "of two pictures differ in 0 bits", "the keywords are []", "entities: <nil>, want it rejected",
		`"huge.png": <nil>, want it rejected`,
		"--- PASS: TestBlackDecoder/calls_that_are_given_up",
		"--- PASS: TestBlackDecoder/ends_with_its_host",
	} {
		if !strings.Contains(string(output), want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
}
