package decoder

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMeasure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "photo.jpg")
	if err := os.WriteFile(path, encode(t, gradient(4000, 3000), ".jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	steps, err := newDecoder(t).Measure([]string{path, path, path})
	if err != nil {
		t.Fatal(err)
	}
	if steps.Decode <= 0 || steps.Eighth <= 0 || steps.Resize <= 0 || steps.Thumbnail <= 0 {
		t.Errorf("a step took no time: %+v", steps)
	}
}
