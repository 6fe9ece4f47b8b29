package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/training/features"
)

const side = 40

// ramp is a picture whose red grows to the right and green downwards.
type ramp struct{}

func (ramp) Decode(context.Context, *os.File, host.DecodeRequest) (*host.Decoded, error) {
	pixels := make([]byte, 0, 3*side*side)
	for y := range side {
		for x := range side {
			pixels = append(pixels, byte(5*x), byte(5*y), 7)
		}
	}
	return &host.Decoded{Pictures: [][]byte{pixels}}, nil
}

func viewOf(t *testing.T, number int, name string) []byte {
	t.Helper()
	plain := features.Camera{Decoders: []features.Decoder{ramp{}}, Format: &contract.PictureFormat{Width: side, Height: side}}
	found, err := camera(plain, number).Decoders[0].Decode(t.Context(), nil, host.DecodeRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return found.Pictures[0]
}

func TestTheFirstViewIsMirrored(t *testing.T) {
	view := viewOf(t, 1, "a.jpg")
	for y := range side {
		for x := range side {
			at := 3 * (y*side + x)
			if view[at] != byte(5*(side-1-x)) || view[at+1] != byte(5*y) || view[at+2] != 7 {
				t.Fatalf("pixel %d, %d is %v", x, y, view[at:at+3])
			}
		}
	}
}

// TestOthersAreCutOut: the red between their edges says how much of the width they show.
func TestOthersAreCutOut(t *testing.T) {
	for number := 2; number <= 3; number++ {
		view := viewOf(t, number, "a.jpg")
		left, right := int(view[0]), int(view[3*(side-1)])
		if number == 3 {
			left, right = right, left
		}
		if shown := float64(right-left) / (5 * side); shown < leastShown-.1 || shown > mostShown {
			t.Errorf("view %d shows %v of the width", number, shown)
		}
		if !bytes.Equal(view, viewOf(t, number, "a.jpg")) {
			t.Errorf("view %d is another the second time", number)
		}
		if bytes.Equal(view, viewOf(t, number, "b.jpg")) {
			t.Errorf("view %d shows the same part of all photos", number)
		}
	}
}
