package host

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
)

func TestGoldenInputsComeChecked(t *testing.T) {
	encoder := fakeEncoder(t, Policy{})
	if err := encoder.Unload(t.Context()); err != nil || encoder.ProcessID() != 0 {
		t.Errorf("unload before a start: %v, process %d", err, encoder.ProcessID())
	}
	golden, err := encoder.Golden(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := encoder.EncodePictures(t.Context(), [][]byte{golden.Pictures[0].Pixels})
	if err != nil || dot(pictures[0].Vector, golden.Pictures[0].Vector) < golden.Tolerance {
		t.Errorf("picture %v is not its golden vector, %v", pictures, err)
	}
	if err := encoder.Unload(t.Context()); err != nil || encoder.ProcessID() == 0 {
		t.Errorf("unload: %v, process %d", err, encoder.ProcessID())
	}
}

func TestWrongGoldenInputsAreNamed(t *testing.T) {
	about := &contract.EncoderDescription{Dimensions: 2, Picture: &contract.PictureFormat{Width: 1, Height: 1}}
	sound := &contract.GoldenResponse{
		Tolerance: 0.99,
		Pictures:  []*contract.GoldenPicture{{Pixels: make([]byte, 3), Vector: []float32{1, 0}}, {Pixels: make([]byte, 3)}},
		Texts:     []*contract.GoldenText{{Text: "a"}, {Text: "b", Vector: []float32{0, 1}}},
		Pairs:     []*contract.GoldenPair{{}, {Picture: 1, Text: 1}},
	}
	if err := checkGolden(sound, about); err != nil {
		t.Fatal(err)
	}
	f := func(want string, spoil func(*contract.GoldenResponse)) {
		t.Helper()
		golden := proto.Clone(sound).(*contract.GoldenResponse)
		spoil(golden)
		if err := checkGolden(golden, about); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("a tolerance of 0", func(g *contract.GoldenResponse) { g.Tolerance = 0 })
	f("1 pictures, fewer than 2", func(g *contract.GoldenResponse) { g.Pictures = g.Pictures[:1] })
	f("1 texts, fewer than 2", func(g *contract.GoldenResponse) { g.Texts = g.Texts[:1] })
	f("1 pairs, fewer than 2", func(g *contract.GoldenResponse) { g.Pairs = g.Pairs[:1] })
	f("picture 1 is 2 bytes long, not 3", func(g *contract.GoldenResponse) { g.Pictures[1].Pixels = make([]byte, 2) })
	f("picture 0: a vector of length 2", func(g *contract.GoldenResponse) { g.Pictures[0].Vector[0] = 2 })
	f("text 1: a vector of 1 dimensions", func(g *contract.GoldenResponse) { g.Texts[1].Vector = []float32{1} })
	f("pair 1 is of picture 1 and text 2, which do not exist", func(g *contract.GoldenResponse) { g.Pairs[1].Text = 2 })
	f("pair 1 shares its picture or its text", func(g *contract.GoldenResponse) { g.Pairs[1].Text = 0 })
}
