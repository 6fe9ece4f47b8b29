package libraw

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const room = 64 << 20

func TestRead(t *testing.T) {
	file, err := os.ReadFile("../samples/sample.dng")
	if err != nil {
		t.Fatal(err)
	}
	preview, err := Read(file, room)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(preview.JPEG), "\xff\xd8") || preview.FullWidth != 96 || preview.FullHeight != 64 || preview.Orientation != 1 {
		t.Errorf("%d bytes, %d × %d, orientation %d", len(preview.JPEG), preview.FullWidth, preview.FullHeight, preview.Orientation)
	}
	if _, err := Read(file, 100); !errors.Is(err, ErrNoPreview) {
		t.Errorf("without room: %v", err)
	}
	for _, other := range [][]byte{nil, []byte("no photo"), file[:100]} {
		if _, err := Read(other, room); !errors.Is(err, ErrUnknown) {
			t.Errorf("%d bytes: %v", len(other), err)
		}
	}
}

// TestOrientation: bit 4 swaps rows and columns, then 2 top and bottom, 1 left and right.
func TestOrientation(t *testing.T) {
	for flip, want := range []int{1, 2, 4, 3, 5, 8, 6, 7} {
		if got := orientation(flip); got != want {
			t.Errorf("flip %d: %d, want %d", flip, got, want)
		}
	}
	if orientation(-1) != 1 || orientation(90) != 1 {
		t.Error("unknown bits turn the picture")
	}
}
