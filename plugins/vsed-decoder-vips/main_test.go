package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
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
	if calls := os.Getenv(outerVariable); calls != "" {
		fmt.Fprintln(os.Stderr, becomeFiltered(calls))
		os.Exit(1)
	}
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
	f(2, "usage:", "--measure", "--probe-sandbox", photo)
	f(2, "usage:", "stray")
	f(2, "usage:", "--max-memory", "much")
	f(1, "is too low for a decoder", "--probe-sandbox", "--max-memory", "1000000")
	f(1, "is not between 1 and", "--probe-sandbox", "--max-megapixels", "0")
	f(1, "vsed, which starts it by itself")
	f(1, "vsed, which starts it by itself", "--max-megapixels", "100", "--recycle-photos", "5", "--recycle-memory", "0", "--require-sandbox")
}

func served(t *testing.T, flags ...string) *host.DecoderHost {
	t.Helper()
	folder, err := os.MkdirTemp("", "vsed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	command := host.Command{Name: "decoder vips", Path: built(t), Args: flags, RuntimeDir: folder}
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

// TestRecycling: a decoder that has served its number of photos is replaced without
// a problem and without a pause.
func TestRecycling(t *testing.T) {
	d := served(t, "--recycle-photos", "3", "--max-megapixels", "1")
	photo := open(t, blackPNG(t, 64, 8, false))
	for range 10 {
		if _, err := d.Decode(t.Context(), photo, usual()); err != nil {
			t.Fatal(err)
		}
		if problem := d.Problem(); problem != "" {
			t.Fatal(problem)
		}
	}
	var rejected *host.RejectedError
	if _, err := d.Decode(t.Context(), open(t, blackPNG(t, 1100, 8, false)), usual()); !errors.As(err, &rejected) || !strings.Contains(err.Error(), "limit of 1 megapixels") {
		t.Errorf("more than a megapixel: %v", err)
	}
}

// TestCrashOfALibrary: a damaged file on which LibRaw 0.20.2 crashes costs at most
// one process, and the next photo is decoded.
func TestCrashOfALibrary(t *testing.T) {
	d := served(t)
	damaged, err := os.ReadFile("testdata/crashes-libraw-0.20.2.dng")
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Decode(t.Context(), open(t, damaged), usual())
	var crash *host.CrashError
	var rejected *host.RejectedError
	if err != nil && !errors.As(err, &crash) && !errors.As(err, &rejected) {
		t.Errorf("a damaged file: %v", err)
	}
	t.Log(err)
	photo := blackPNG(t, 64, 8, false)
	for {
		_, err = d.Decode(t.Context(), open(t, photo), usual())
		var unavailable *host.UnavailableError
		if !errors.As(err, &unavailable) {
			break
		}
		<-time.After(unavailable.RetryAfter)
	}
	if err != nil || d.Problem() != "" {
		t.Errorf("the next photo: %v, %s", err, d.Problem())
	}
}

func TestDescribeNamesTheSandbox(t *testing.T) {
	description, err := served(t, "--require-sandbox").Describe(t.Context())
	if err != nil {
		t.Skipf("this machine lacks a part of the sandbox: %v", err)
	}
	t.Logf("sandbox %q, formats %v", description.GetSandbox(), description.GetFormats())
	if strings.Contains(description.GetSandbox(), "seccomp") {
		t.Error("the filter is required and not on")
	}
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
