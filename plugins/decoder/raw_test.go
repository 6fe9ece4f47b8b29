package decoder

import (
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vsed/plugins/decoder/metadata"
)

// madeRaw are the formats of which there is a made file.
var madeRaw = map[string]func(preview []byte, orientation int) []byte{
	"dng": dng, "cr2": cr2, "nef": nef, "arw": arw, "rw2": rw2, "orf": orf, "raf": raf,
}

func TestRawPreviewIsDecodedUpright(t *testing.T) {
	for name, make := range madeRaw {
		for _, orientation := range []int{1, 3, 6, 8} {
			upright := gradient(rawWidth, rawHeight)
			if sideways(orientation) {
				upright = gradient(rawHeight, rawWidth)
			}
			picture := stored(upright, orientation)
			preview := encode(t, picture, ".jpg[Q=95]")
			if name == "raf" { // says it in the preview
				preview = jpegWithExif(preview, exif(orientation, "FUJIFILM", "FinePix X100", "2021:03:04 05:06:07"))
			}
			response, err := decode(t, make(preview, orientation), usual())
			if err != nil {
				t.Errorf("%s, orientation %d: %v", name, orientation, err)
				continue
			}
			got := response.Metadata
			width, height := uint32(rawWidth), uint32(rawHeight)
			if sideways(orientation) {
				width, height = height, width
			}
			if got.Format != name || got.Width != width || got.Height != height || got.Orientation != uint32(orientation) || got.Taken != "2021-03-04T05:06:07" || got.Camera == "" {
				t.Errorf("%s, orientation %d: metadata %v", name, orientation, got)
			}
			near(t, name, asked(t, make(preview, orientation), squash(uint32(upright.Rect.Dx()), uint32(upright.Rect.Dy()))), upright, 6)
		}
	}
}

func TestRawRefusals(t *testing.T) {
	preview := encode(t, noise(96, 64), ".jpg")
	refused(t, "without a preview", dng(nil, 1), "RAW file in DNG")
	refused(t, "of another maker", tiffWith([2]uint32{254, 1}, [2]uint32{330, 100}), "RAW file of a camera whose files vsed does not read")
	refused(t, "header alone", tiffWith([2]uint32{50706, 0x0401}), "RAW file in DNG")
	refused(t, "CR3 without content", []byte("\x00\x00\x00\x18ftypcrx \x00\x00\x00\x00crx isom"), "RAW file in Canon's CR3")
	broken := nef(preview[:len(preview)/2], 1)
	if _, err := decode(t, broken, usual()); err == nil {
		t.Error("half a preview is decoded")
	}
}

func TestTurnedPreviewIsNotTurnedAgain(t *testing.T) {
	upright := gradient(64, 96) // stands, as the photo does; the sensor's picture lies
	got := asked(t, arw(encode(t, upright, ".jpg[Q=95]"), 6), squash(64, 96))
	near(t, "turned by the camera", got, upright, 6)
}

// TestRealRawHeads reads the heads of real files, which imagemeta brings for its own
// tests (CC0, from raw.pixls.us); their sensor data is cut off.
func TestRealRawHeads(t *testing.T) {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bep/imagemeta").Output()
	folder := filepath.Join(strings.TrimSpace(string(output)), "testdata", "images")
	if _, missing := os.Stat(filepath.Join(folder, "sample.dng")); err != nil || missing != nil {
		t.Skip("imagemeta's test files are not in the module cache")
	}
	f := func(name, camera string, full image.Point) {
		t.Helper()
		photo, err := os.ReadFile(filepath.Join(folder, "sample."+name))
		if err != nil {
			t.Fatal(err)
		}
		response, err := decode(t, photo, usual())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		m := response.Metadata
		if m.Format != name || m.Camera != camera || int(m.Width) != full.X || int(m.Height) != full.Y || m.Taken == "" {
			t.Errorf("%s: %v", name, m)
		}
	}
	// Of the CR2 file too much is cut off for LibRaw.
	if head, err := os.ReadFile(filepath.Join(folder, "sample.cr2")); err != nil || metadata.Read(metadata.CR2, head).Camera != "Canon PowerShot S90" {
		t.Errorf("cr2: %v, %v", metadata.Read(metadata.CR2, head), err)
	}
	f("dng", "Canon PowerShot SD450", image.Pt(2616, 1960))
	f("nef", "NIKON D1", image.Pt(2012, 1324))
	f("arw", "SONY DSLR-A330", image.Pt(3880, 2608))
}

func FuzzCanonBlocks(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10ftypcrx \x00\x00\x00\x00\x00\x00\x00\x30moov\x00\x00\x00\x28uuid0123456789abcdef\x00\x00\x00\x10CMT1II*\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		total := 0
		for _, block := range canonBlocks(file) {
			total += len(block)
		}
		if total > len(file) {
			t.Errorf("%d bytes of blocks in %d", total, len(file))
		}
	})
}
