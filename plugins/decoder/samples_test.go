package decoder

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"golang.org/x/image/bmp"

	"vsed/plugins/decoder/vips"
)

var update = flag.Bool("update", false, "write the samples anew; needs a libvips with every saver")

// TestSamplesAreWhatTheyAreNamed also shows which formats this machine decodes.
func TestSamplesAreWhatTheyAreNamed(t *testing.T) {
	d := newDecoder(t)
	if *update {
		writeSamples(t)
	}
	for _, format := range sampledFormats() {
		photo, err := sample(format)
		if err != nil {
			t.Fatal(err)
		}
		found, err := identify(photo)
		if err != nil || found != format {
			t.Errorf("the %s sample is found to be %q: %v", format.name, found.name, err)
		}
	}
	t.Logf("libvips %s decodes %v", vips.Version(), d.formats)
}

func writeSamples(t *testing.T) {
	t.Helper()
	picture := gradient(16, 16)
	suffixes := map[string]string{
		"jpeg": ".jpg", "png": ".png", "webp": ".webp", "gif": ".gif", "tiff": ".tif[compression=jpeg]",
		"heic": ".heic", "avif": ".avif", "jxl": ".jxl",
	}
	for name, suffix := range suffixes {
		write(t, name, encode(t, picture, suffix))
	}
	var file bytes.Buffer
	if err := bmp.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	write(t, "bmp", file.Bytes())
	write(t, "dng", dng(encode(t, gradient(rawWidth/2, rawHeight/2), ".jpg"), 1))
}

func write(t *testing.T, name string, photo []byte) {
	t.Helper()
	if err := os.WriteFile("samples/sample."+name, photo, 0o644); err != nil {
		t.Fatal(err)
	}
}
