package decoder

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/plugins/contract"
)

// TestRealFiles decodes files of real cameras and editors, some of them damaged:
// each is decoded or refused with a reason.
func TestRealFiles(t *testing.T) {
	const root = "../../../shared/data/media"
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real files: %v", err)
	}
	decoded := map[string]int{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "metadata":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		photo, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		response, err := decode(t, photo, usual())
		if err != nil {
			checkRefusal(t, path, err)
			return nil
		}
		checkResponse(t, path, response)
		decoded[response.Metadata.Format]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("decoded: %v", decoded)
	if decoded["jpeg"] < 80 || decoded["heic"] < 2 {
		t.Errorf("too few could be decoded: %v", decoded)
	}
}

// checkRefusal: a person reads the text after the file's name.
func checkRefusal(t *testing.T, name string, err error) {
	t.Helper()
	text := err.Error()
	if !strings.HasPrefix(text, "is ") && !strings.HasPrefix(text, "cannot be decoded: ") && !strings.HasPrefix(text, "needs ") && !strings.HasPrefix(text, "holds ") {
		t.Errorf("%s: the refusal says no reason: %q", name, text)
	}
	if len(text) > 250 || strings.ContainsAny(text, "\n\r\x00\x1b") {
		t.Errorf("%s: the refusal is not one short line: %q", name, text)
	}
}

func checkResponse(t *testing.T, name string, response *contract.DecodeResponse) {
	t.Helper()
	if len(response.Pictures) != 1 || len(response.Pictures[0]) != 224*224*3 {
		t.Errorf("%s: %d pictures", name, len(response.Pictures))
	}
	if len(response.Digest) != 32 || len(response.Thumbnail) < 20 || string(response.Thumbnail[8:12]) != "WEBP" {
		t.Errorf("%s: digest of %d bytes, thumbnail of %d", name, len(response.Digest), len(response.Thumbnail))
	}
	if data := response.Metadata; data.Width == 0 || data.Height == 0 || data.Orientation < 1 || data.Orientation > 8 {
		t.Errorf("%s: metadata %v", name, data)
	}
}
