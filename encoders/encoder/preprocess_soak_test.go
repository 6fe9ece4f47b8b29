//go:build soak

package encoder

import (
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"vsed/encoders/feature"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// Debian's packages of large photos; photosVariable names another folder.
	photosVariable = "VSED_TEST_PHOTOS"
	gnomePhotos    = "/usr/share/backgrounds"
	plasmaPhotos   = "/usr/share/wallpapers"
	// pythonVariable names a Python that has Pillow.
	pythonVariable = "PYTHON"

	leastPhotos = 20
	crops       = 100
	largePhoto  = 4_000_000 // pixels
	leastCosine = 0.995
)

// largePhotos lists photos of four megapixels and more.
func largePhotos(t *testing.T) []string {
	t.Helper()
	folders := []string{gnomePhotos, plasmaPhotos}
	if named := os.Getenv(photosVariable); named != "" {
		folders = []string{named}
	}
	var photos []string
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && isLarge(path) {
				photos = append(photos, path)
			}
			return nil
		})
	}
	if len(photos) < leastPhotos {
		t.Skipf("%d large photos in %v, not %d: install gnome-backgrounds and plasma-workspace-wallpapers", len(photos), folders, leastPhotos)
	}
	slices.Sort(photos)
	return photos
}

func isLarge(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	about, _, err := image.DecodeConfig(file)
	return err == nil && about.Width*about.Height >= largePhoto
}

func pythonWithPillow(t *testing.T) string {
	t.Helper()
	python := os.Getenv(pythonVariable)
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import PIL").Run(); err != nil {
		t.Skipf("%s has no Pillow: install python3-pil, or name another with %s", python, pythonVariable)
	}
	return python
}

// TestSoakPreprocessing compares the features of photos that vsed's decoder made
// small, as the manifest says, with those of Pillow's pixels.
func TestSoakPreprocessing(t *testing.T) {
	photos, python, e := largePhotos(t), pythonWithPillow(t), builtin(t)
	decoder := startDecoder(t)
	for _, fit := range []string{"squash", "crop"} {
		for _, kernel := range []string{"cubic", "linear", "lanczos3"} {
			folder := t.TempDir()
			arguments := append([]string{"testdata/reference.py", folder, fmt.Sprint(e.bundle.Picture.Width), fit, kernel, fmt.Sprint(crops)}, photos...)
			if output, err := exec.Command(python, arguments...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			format := &contract.PictureFormat{Width: e.about.Picture.Width, Height: e.about.Picture.Height, Fit: fits[fit], Kernel: kernels[kernel]}
			compareCrops(t, e, decoder, format, folder, len(photos))
		}
	}
}

func startDecoder(t *testing.T) *host.DecoderHost {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vsed-decoder-vips")
	if output, err := exec.Command("go", "build", "-o", path, "vsed/plugins/vsed-decoder-vips").CombinedOutput(); err != nil {
		t.Fatalf("build the decoder: %v: %s", err, output)
	}
	decoder := host.NewDecoder(host.Command{Name: "decoder", Path: path}, host.Policy{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { decoder.Close() })
	return decoder
}

func compareCrops(t *testing.T, e *Encoder, decoder *host.DecoderHost, format *contract.PictureFormat, folder string, photos int) {
	t.Helper()
	var sum float64
	least := 1.0
	for number := range crops {
		reference, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%d.rgb", number)))
		if err != nil {
			t.Fatal(err)
		}
		found, err := e.EncodePictures(t.Context(), [][]byte{decodeCrop(t, decoder, format, folder, number), reference})
		if err != nil {
			t.Fatal(err)
		}
		cosine := featureCosine(t, e, found[0].Feature, found[1].Feature)
		sum, least = sum+cosine, min(least, cosine)
	}
	t.Logf("%v %v: mean cosine %.5f over %d crops of %d photos, least %.5f", format.Fit, format.Kernel, sum/crops, crops, photos, least)
	if sum/crops < leastCosine {
		t.Errorf("%v %v: mean cosine %.5f, want %v", format.Fit, format.Kernel, sum/crops, leastCosine)
	}
}

func decodeCrop(t *testing.T, decoder *host.DecoderHost, format *contract.PictureFormat, folder string, number int) []byte {
	t.Helper()
	matches, err := filepath.Glob(filepath.Join(folder, fmt.Sprintf("%d.[jp][pn]g", number)))
	if err != nil || len(matches) != 1 {
		t.Fatalf("crop %d: %v, %v", number, matches, err)
	}
	file, err := os.Open(matches[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoded, err := decoder.Decode(t.Context(), file, host.DecodeRequest{Name: filepath.Base(matches[0]), Pictures: []*contract.PictureFormat{format}})
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Pictures[0]
}

// featureCosine is that of two stored features.
func featureCosine(t *testing.T, e *Encoder, a, b []byte) float64 {
	t.Helper()
	left, err := feature.Dequantise(nil, a, e.bundle.Widths())
	if err != nil {
		t.Fatal(err)
	}
	right, err := feature.Dequantise(nil, b, e.bundle.Widths())
	if err != nil {
		t.Fatal(err)
	}
	return dot(left, right) / math.Sqrt(dot(left, left)*dot(right, right))
}
