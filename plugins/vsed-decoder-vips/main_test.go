package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/plugins/plugintest"
)

// program builds the real program, once.
var program = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "vsed-decoder")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "vsed-decoder-vips")
	if output, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

func built(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConformance(t *testing.T) {
	plugintest.Decoder(t, host.Command{Name: "vips", Path: built(t)}, "../decoder/samples")
}

// TestSandbox asks the program itself: it enters its sandbox, tries to get out,
// and decodes a sample of each format.
func TestSandbox(t *testing.T) {
	command := exec.Command(built(t), "--probe-sandbox")
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	err := command.Run()
	if strings.Contains(problems.String(), "does not offer") {
		t.Skipf("this kernel lacks a part of the sandbox: %s", problems.String())
	}
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	var report struct {
		Formats, Loaders, Possible []string
		Decodes                    bool
	}
	if err := json.Unmarshal(output.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Possible) > 0 || !report.Decodes {
		t.Errorf("possible: %v, decodes: %v", report.Possible, report.Decodes)
	}
	for _, format := range []string{"jpeg", "png", "webp", "gif", "tiff", "bmp"} {
		if !slices.Contains(report.Formats, format) {
			t.Errorf("%s is not decoded: %v", format, report.Formats)
		}
	}
	for _, loader := range report.Loaders {
		if containsAny(loader, "svg", "pdf", "magick", "mat", "vips", "csv", "openslide", "fits", "jp2k") {
			t.Errorf("%s is open to strangers' bytes", loader)
		}
	}
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func TestByHand(t *testing.T) {
	photo := filepath.Join(t.TempDir(), "photo.jpg")
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 2000, 1500)), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(photo, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(status int, want string, arguments ...string) {
		t.Helper()
		output, err := exec.Command(built(t), arguments...).CombinedOutput()
		var failure *exec.ExitError
		if errors.As(err, &failure) != (status != 0) || failure != nil && failure.ExitCode() != status || !strings.Contains(string(output), want) {
			t.Errorf("%v: %v, %q", arguments, err, output)
		}
	}
	f(0, `{"decode_ms":`, "--measure", photo, photo)
	f(0, "usage:", "--help")
	f(1, "no such file", "--measure", "/nonexistent.jpg")
	f(2, "usage:", "--measure")
	f(2, "usage:", "--unknown")
	f(1, "vsed, which starts it by itself")
}

func served(t *testing.T) *host.DecoderHost {
	t.Helper()
	folder, err := os.MkdirTemp("", "vsed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	command := host.Command{Name: "decoder vips", Path: built(t), RuntimeDir: folder}
	d := host.NewDecoder(command, host.Policy{CallTimeout: time.Minute}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { d.Close() })
	return d
}

func usual() host.DecodeRequest {
	format := &contract.PictureFormat{Width: 224, Height: 224, Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_CUBIC}
	return host.DecodeRequest{Name: "photo", Pictures: []*contract.PictureFormat{format}, ThumbnailSide: 320}
}

func open(t *testing.T, photo []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, photo, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// TestHugePhotoWithinTheLimit decodes 900 megapixels in the sandbox, under its
// limit of memory: a PNG is decoded row by row.
func TestHugePhotoWithinTheLimit(t *testing.T) {
	photo := blackPNG(t, 30000, 1, false)
	decoded, err := served(t).Decode(t.Context(), open(t, photo), usual())
	if err != nil {
		t.Fatal(err)
	}
	if decoded.Metadata.GetWidth() != 30000 {
		t.Errorf("metadata %v", decoded.Metadata)
	}
}

// TestAccountOfMemoryIsRight decodes what just fits by the header's account: an
// interlaced PNG, which libpng holds as a whole. That the process survives shows
// that the account is right.
func TestAccountOfMemoryIsRight(t *testing.T) {
	d := served(t)
	photo := blackPNG(t, 10_700, 8, true) // three bytes a pixel: 328 MiB of 351
	for range 2 {
		if _, err := d.Decode(t.Context(), open(t, photo), usual()); err != nil {
			t.Fatal(err)
		}
	}
	var rejected *host.RejectedError
	if _, err := d.Decode(t.Context(), open(t, blackPNG(t, 12_000, 8, true)), usual()); !errors.As(err, &rejected) {
		t.Errorf("what does not fit: %v", err)
	}
	if problem := d.Problem(); problem != "" {
		t.Error(problem)
	}
}

// blackPNG writes a square by hand: grey of one bit a pixel, or RGB of 8 bits a
// channel, in one pass or in the seven of an interlaced file.
func blackPNG(t *testing.T, side, depth int, interlaced bool) []byte {
	t.Helper()
	header := binary.BigEndian.AppendUint32(nil, uint32(side))
	header = append(binary.BigEndian.AppendUint32(header, uint32(side)), byte(depth), 0, 0, 0, 0)
	pixelBits, passes := depth, [][2]int{{side, side}}
	if depth == 8 {
		pixelBits, header[9] = 24, 2
	}
	if interlaced {
		header[12], passes = 1, nil
		for _, pass := range [7][4]int{{0, 8, 0, 8}, {4, 8, 0, 8}, {0, 4, 4, 8}, {2, 4, 0, 4}, {0, 2, 2, 4}, {1, 2, 0, 2}, {0, 1, 1, 2}} {
			passes = append(passes, [2]int{(side - pass[0] + pass[1] - 1) / pass[1], (side - pass[2] + pass[3] - 1) / pass[3]})
		}
	}
	var data bytes.Buffer
	compressor, err := zlib.NewWriterLevel(&data, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, pass := range passes {
		row := make([]byte, 1+(pass[0]*pixelBits+7)/8) // filter 0, all black
		for range pass[1] {
			if _, err := compressor.Write(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := compressor.Close(); err != nil {
		t.Fatal(err)
	}
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", header), pngChunk("IDAT", data.Bytes()), pngChunk("IEND", nil))
}

func pngChunk(name string, data []byte) []byte {
	body := append([]byte(name), data...)
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
}
