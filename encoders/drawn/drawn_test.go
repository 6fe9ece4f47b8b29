package drawn

import (
	"bytes"
	"image"
	"testing"
)

func TestDrawingsAreStableAndDiffer(t *testing.T) {
	var pictures []*image.NRGBA
	for _, thing := range Things() {
		picture := thing.Draw(64, 32)
		if !bytes.Equal(picture.Pix, thing.Draw(64, 32).Pix) {
			t.Errorf("%s is not always the same", thing.Name)
		}
		pictures = append(pictures, picture)
	}
	pictures = append(pictures, Pattern(1, 64, 32), Pattern(2, 64, 32))
	for i := range pictures {
		if pictures[i].Bounds() != image.Rect(0, 0, 64, 32) {
			t.Errorf("drawing %d is %v", i, pictures[i].Bounds())
		}
		for j := range i {
			if bytes.Equal(pictures[i].Pix, pictures[j].Pix) {
				t.Errorf("drawings %d and %d are one", i, j)
			}
		}
	}
}
