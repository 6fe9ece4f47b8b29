package decoder

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"vsed/plugins/decoder/vips"
)

// TestMutatedPhotos: whatever a photo holds, the process lives and the answer is
// pixels or a refusal.
func TestMutatedPhotos(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var seeds [][]byte
	for _, suffix := range []string{".jpg", ".jpg[interlace]", ".png", ".webp", ".gif", ".tif", ".heic", ".avif", ".jxl"} {
		seeds = append(seeds, encode(t, noise(48, 40), suffix))
	}
	for _, format := range sampledFormats() {
		if format == dngFormat {
			continue // LibRaw may end the process: vsed-decoder-vips' tests do this
		}
		photo, err := sample(format)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, photo)
	}
	seeds = append(seeds, jpegWithExif(seeds[0], exif(6, "Canon", "EOS", "2020:01:02 03:04:05")))
	const mutants = 600
	decoded := 0
	for i := range mutants {
		photo := mutated(random, seeds[i%len(seeds)])
		response, err := decode(t, photo, usual())
		if err != nil {
			checkRefusal(t, "mutant "+strconv.Itoa(i), err)
			continue
		}
		checkResponse(t, "mutant "+strconv.Itoa(i), response)
		decoded++
	}
	t.Logf("%d of %d were decoded", decoded, mutants)
}

// mutated changes, cuts, doubles or fills up to eight places.
func mutated(random *rand.Rand, photo []byte) []byte {
	photo = bytes.Clone(photo)
	for range 1 + random.IntN(8) {
		at := random.IntN(len(photo))
		length := min(1+random.IntN(16), len(photo)-at)
		switch random.IntN(5) {
		case 0:
			photo[at] ^= 1 << random.IntN(8)
		case 1:
			copy(photo[at:at+length], bytes.Repeat([]byte{0xff}, length))
		case 2:
			photo[at] = byte(random.Uint32())
		case 3:
			photo = append(photo[:at], photo[at+length:]...)
		case 4:
			photo = append(photo[:at:at], append(bytes.Clone(photo[at:at+length]), photo[at:]...)...)
		}
		if len(photo) == 0 {
			return photo
		}
	}
	return photo
}

// TestNoLeak decodes whole and damaged photos a thousand times.
func TestNoLeak(t *testing.T) {
	whole := encode(t, noise(200, 150), ".jpg[profile=p3]")
	photos := [][]byte{whole, whole[:len(whole)/2], pngOf(t, quarters(64)), []byte("text"), encode(t, noise(64, 64), ".webp")}
	round := func() {
		for _, photo := range photos {
			_, _ = decode(t, photo, usual())
		}
	}
	for range 50 {
		round()
	}
	held, resident := vips.MemoryInUse(), residentBytes(t)
	for range 1000 / len(photos) {
		round()
	}
	// A worker of libvips may still be letting go of the last picture.
	if now := vips.MemoryInUse(); now > held+1<<20 {
		t.Errorf("libvips holds %d bytes after, %d before", now, held)
	}
	if grown := residentBytes(t) - resident; grown > 16<<20 {
		t.Errorf("the process has grown by %d KiB", grown>>10)
	}
}

func residentBytes(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory() // Go's own garbage is not the question
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("no account of memory: %v", err)
	}
	pages, err := strconv.Atoi(string(bytes.Fields(text)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
