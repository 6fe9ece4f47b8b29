package eighth

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"vsed/plugins/decoder/vips"
)

// The judge of this package is libvips' own decoding at an eighth.

var startVips = sync.OnceValue(func() error { return vips.Start("eighth.test", []string{"VipsForeignLoadJpeg"}) })

func needVips(t testing.TB) {
	t.Helper()
	if err := startVips(); err != nil {
		t.Fatal(err)
	}
}

func byVips(photo []byte) (Picture, error) {
	image, err := vips.Load("jpegload_buffer", photo, vips.Options{Shrink: 8})
	if err != nil {
		return Picture{}, err
	}
	defer image.Close()
	pixels, err := image.Pixels()
	return Picture{Width: image.Width(), Height: image.Height(), Bands: image.Bands(), Pixels: pixels}, err
}

// same reports a difference to libvips, of as much as one in one pixel.
func same(t testing.TB, name string, photo []byte) {
	t.Helper()
	var d Decoder
	got, err := d.Decode(photo)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	want, err := byVips(photo)
	if err != nil {
		t.Errorf("%s: libvips: %v", name, err)
		return
	}
	if difference := compare(got, want, 0); difference != "" {
		t.Errorf("%s: %s", name, difference)
	}
}

// compare says how pictures differ by more than is allowed, "" if they do not.
func compare(got, want Picture, allowed int) string {
	if got.Width != want.Width || got.Height != want.Height || got.Bands != want.Bands {
		return fmt.Sprintf("%d × %d × %d, want %d × %d × %d", got.Width, got.Height, got.Bands, want.Width, want.Height, want.Bands)
	}
	if bytes.Equal(got.Pixels, want.Pixels) {
		return ""
	}
	wrong, most := 0, 0
	for i := range got.Pixels {
		difference := int(got.Pixels[i]) - int(want.Pixels[i])
		if difference != 0 {
			wrong++
		}
		most = max(most, difference, -difference)
	}
	if most <= allowed {
		return ""
	}
	return fmt.Sprintf("%d of %d bytes differ, by up to %d", wrong, len(got.Pixels), most)
}

// scene has edges, waves and noise of all colours, different for each seed.
func scene(width, height, bands int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	pixels := make([]byte, width*height*bands)
	slope, noise := 1+random.IntN(9), 1+random.IntN(60)
	for i := range pixels {
		x, y, band := i/bands%width, i/bands/width, i%bands
		value := x*slope*(band+1) + y*3 + random.IntN(noise)
		if (x/17+y/23+band)%3 == 0 {
			value = 255 - value/2
		}
		pixels[i] = byte(value >> (band & 1))
	}
	return pixels
}

func encode(t testing.TB, pixels []byte, width, height, bands int, options string) []byte {
	t.Helper()
	needVips(t)
	layout := vips.RGB
	if bands == 1 {
		layout = vips.Grey
	}
	image, err := vips.FromPixels(pixels, width, height, layout)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	photo, err := image.Encode(".jpg[" + options + "]")
	if err != nil {
		t.Fatal(err)
	}
	return photo
}

func TestPixelsAreThoseOfLibvips(t *testing.T) {
	sizes := [][2]int{{8, 8}, {9, 23}, {16, 16}, {17, 15}, {33, 65}, {250, 131}, {640, 481}}
	seed := uint64(0)
	for _, size := range sizes {
		for _, bands := range []int{1, 3} {
			for _, subsample := range []string{"on", "off"} {
				for _, more := range []string{"", ",optimize_coding", ",restart_interval=1", ",restart_interval=7", ",interlace", ",interlace,restart_interval=3", ",interlace,optimize_scans,trellis_quant"} {
					seed++
					quality := 1 + seed*37%100
					options := fmt.Sprintf("Q=%d,subsample_mode=%s%s", quality, subsample, more)
					photo := encode(t, scene(size[0], size[1], bands, seed), size[0], size[1], bands, options)
					same(t, fmt.Sprintf("%d × %d × %d %s", size[0], size[1], bands, options), photo)
				}
			}
		}
	}
}

func TestEveryQuality(t *testing.T) {
	for quality := 1; quality <= 100; quality++ {
		photo := encode(t, scene(129, 70, 3, uint64(quality)), 129, 70, 3, fmt.Sprintf("Q=%d", quality))
		same(t, fmt.Sprint(quality), photo)
	}
}

// TestRealFiles: what is accepted is decoded as libvips does; many are not.
func TestRealFiles(t *testing.T) {
	const root = "../../../../shared/data/media/jpg"
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real files: %v", err)
	}
	needVips(t)
	accepted := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		photo, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var d Decoder
		_, err = d.Decode(photo)
		if err == nil {
			accepted++
			same(t, path, photo)
			return nil
		}
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", path, err)
		}
		t.Logf("%s: %v", filepath.Base(path), err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d accepted", accepted)
	if accepted == 0 {
		t.Error("no real file was accepted")
	}
}

func TestTruncationsAreErrors(t *testing.T) {
	for _, options := range []string{"Q=90", "Q=50,restart_interval=5", "Q=80,interlace"} {
		photo := encode(t, scene(400, 300, 3, 5), 400, 300, 3, options)
		var d Decoder
		if _, err := d.Decode(photo); err != nil {
			t.Fatalf("%s: %v", options, err)
		}
		for length := 0; length < len(photo); length += 97 {
			if _, err := d.Decode(photo[:length:length]); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: %d of %d bytes: %v", options, length, len(photo), err)
			}
		}
		if _, err := d.Decode(photo[:len(photo)-1]); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: without the last byte: %v", options, err)
		}
	}
}

// FuzzDecode: whatever bytes, no panic; and what is accepted is as libvips has it,
// but for one in coefficients beyond what encoders write.
func FuzzDecode(f *testing.F) {
	for i, options := range []string{"Q=75", "Q=100,subsample_mode=off", "Q=30,restart_interval=2", "Q=60,interlace"} {
		f.Add(encode(f, scene(40, 33, 3, uint64(i)), 40, 33, 3, options))
		f.Add(encode(f, scene(40, 33, 1, uint64(i)), 40, 33, 1, options))
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, photo []byte) {
		got, err := d.Decode(photo)
		if err != nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Error(err)
			}
			return
		}
		want, err := byVips(photo)
		if err != nil && bytes.Contains(photo, []byte{0xff, markerProgressive}) {
			return // damage in scans that are not read
		}
		if err != nil {
			t.Fatalf("accepted what libvips refuses: %v", err)
		}
		if difference := compare(got, want, 1); difference != "" {
			t.Error(difference)
		}
	})
}

func benchmarkPhoto(b *testing.B) []byte {
	const width, height = 4000, 3000
	photo := encode(b, scene(width, height, 3, 1), width, height, 3, "Q=75")
	if paths, _ := filepath.Glob(filepath.Join(os.Getenv("VSED_BENCH_PHOTOS"), "*.jpg")); len(paths) > 0 {
		var err error
		if photo, err = os.ReadFile(paths[0]); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(photo)))
	return photo
}

func BenchmarkEighth(b *testing.B) {
	photo := benchmarkPhoto(b)
	var d Decoder
	for b.Loop() {
		if _, err := d.Decode(photo); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLibvips(b *testing.B) {
	photo := benchmarkPhoto(b)
	needVips(b)
	for b.Loop() {
		if _, err := byVips(photo); err != nil {
			b.Fatal(err)
		}
	}
}
