package features_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/training/features"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var origin = features.Origin{Space: "one", Encoder: "sample", Widths: []int{2, 1}, TextWidth: 2}

// machine decodes and encodes without a process: a feature is made of the file's
// first byte.
type machine struct {
	decoded atomic.Int64
	encoded atomic.Int64
	fail    func(name string) error
	after   func(encoded int64) error
}

func (m *machine) Decode(_ context.Context, photo *os.File, request host.DecodeRequest) (*host.Decoded, error) {
	m.decoded.Add(1)
	if m.fail != nil {
		if err := m.fail(request.Name); err != nil {
			return nil, err
		}
	}
	pixels := make([]byte, 1)
	_, err := photo.Read(pixels)
	return &host.Decoded{Pictures: [][]byte{pixels}}, err
}

func (m *machine) EncodePictures(_ context.Context, pictures [][]byte) (list []*contract.Embedding, err error) {
	for _, picture := range pictures {
		value := picture[0]
		list = append(list, &contract.Embedding{Feature: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, value, 1, value}}) // scales 1 and 2
	}
	if m.after != nil {
		err = m.after(m.encoded.Add(int64(len(pictures))))
	}
	return list, err
}

func (m *machine) Feature(_ context.Context, sentence string) ([]float32, error) {
	m.encoded.Add(1)
	if sentence == "bad" {
		return []float32{0, float32(math.NaN())}, nil
	}
	return []float32{float32(len(sentence)), -1}, nil
}

func (m *machine) camera() features.Camera {
	return features.Camera{Decoders: []features.Decoder{m, m}, Encoder: m, Format: &contract.PictureFormat{}, Batch: 8}
}

func create(t *testing.T, path string) *features.Store {
	t.Helper()
	store, err := features.Create(path, origin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func photos(t *testing.T, count int) (folder string, names []string) {
	t.Helper()
	folder = t.TempDir()
	for i := range count {
		names = append(names, fmt.Sprintf("%d.jpg", i))
		write(t, filepath.Join(folder, names[i]), []byte{byte(i % 100)})
	}
	return folder, names
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func silent(features.Progress) {}

func TestARunThatIsStoppedIsTakenUp(t *testing.T) {
	folder, names := photos(t, 700)
	path := filepath.Join(t.TempDir(), "new/file")
	stop := errors.New("stopped")
	m := &machine{after: func(encoded int64) error {
		if encoded > 600 {
			return stop
		}
		return nil
	}}
	store := create(t, path)
	if _, err := store.AddPictures(t.Context(), m.camera(), folder, names, silent); !errors.Is(err, stop) {
		t.Fatalf("error %v, want that of the encoder", err)
	}
	m = &machine{}
	var last features.Progress
	if _, err := store.AddPictures(t.Context(), m.camera(), folder, names, func(p features.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if again := m.decoded.Load(); again != 100 || last.Done != 100 || last.Total != 100 || last.PerSecond <= 0 || last.Left != 0 {
		t.Errorf("%d photos were decoded again, progress %+v: want the 100 that were not encoded", again, last)
	}
	read, err := store.Pictures([]string{"699.jpg", "7.jpg"})
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Row(read.Row(nil, 0), 1); !slices.Equal(got, []float32{99, 1, 198, 7, 1, 14}) || read.Len() != 2 || read.Width() != 3 {
		t.Errorf("features are %v", got)
	}
}

func TestAChangedPhotoIsComputedAgain(t *testing.T) {
	folder, names := photos(t, 3)
	store, m := create(t, filepath.Join(t.TempDir(), "f")), &machine{}
	f := func(want int64) {
		t.Helper()
		if _, err := store.AddPictures(t.Context(), m.camera(), folder, names, silent); err != nil {
			t.Fatal(err)
		}
		if m.decoded.Load() != want {
			t.Errorf("%d photos have been decoded, want %d", m.decoded.Load(), want)
		}
	}
	f(3)
	f(3)
	write(t, filepath.Join(folder, names[1]), []byte{50, 0})
	f(4)
	read, err := store.Pictures(names[1:2])
	if err != nil || read.Row(nil, 0)[0] != 50 {
		t.Errorf("the changed photo has its old feature; error %v", err)
	}
}

func TestRefusedPhotosAreReported(t *testing.T) {
	folder, names := photos(t, 20)
	store := create(t, filepath.Join(t.TempDir(), "f"))
	m := &machine{fail: func(name string) error {
		switch name {
		case "3.jpg":
			return &host.RejectedError{Plugin: "decoder", Reason: "it is damaged"}
		case "4.jpg":
			return &host.CrashError{Plugin: "decoder", Reason: "it ended"}
		}
		return nil
	}}
	refused, err := store.AddPictures(t.Context(), m.camera(), folder, names, silent)
	if err != nil || len(refused) != 2 {
		t.Fatalf("refused %v, error %v", refused, err)
	}
	_, err = store.Pictures(names)
	var missing *features.MissingError
	if !errors.As(err, &missing) || missing.Count != 2 || missing.First != "3.jpg" {
		t.Errorf("reading all gives %v, want what is missing", err)
	}
	if m.decoded.Load() != 21 {
		t.Errorf("%d decodes, want one more for the photo that brought the decoder down", m.decoded.Load())
	}
}

func TestWhatIsNoPhotoOfTheFolderIsNamed(t *testing.T) {
	folder, _ := photos(t, 1)
	write(t, filepath.Join(filepath.Dir(folder), "outside.jpg"), []byte{1})
	store := create(t, filepath.Join(t.TempDir(), "f"))
	for _, name := range []string{"absent.jpg", "../outside.jpg", "."} {
		if _, err := store.AddPictures(t.Context(), (&machine{}).camera(), folder, []string{name}, silent); err == nil || !strings.Contains(err.Error(), "take it off the list") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestSentencesAreEncodedOnce(t *testing.T) {
	store, m := create(t, filepath.Join(t.TempDir(), "f")), &machine{}
	for range 2 {
		if err := store.AddSentences(t.Context(), m, 2, []string{"a dog", "", "a dog", "cats"}, silent); err != nil {
			t.Fatal(err)
		}
	}
	if m.encoded.Load() != 3 {
		t.Errorf("%d sentences were encoded, want 3", m.encoded.Load())
	}
	rows, err := store.Sentences([]string{"cats", "a dog"})
	if err != nil || !slices.Equal(slices.Concat(rows...), []float32{4, -1, 5, -1}) {
		t.Errorf("features are %v, error %v", rows, err)
	}
	var missing *features.MissingError
	if _, err := store.Sentences([]string{"never"}); !errors.As(err, &missing) || missing.What != "sentence" {
		t.Errorf("error %v", err)
	}
	if err := store.AddSentences(t.Context(), m, 1, []string{"bad"}, silent); err == nil || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("NaN gives %v", err)
	}
}

func TestFilesThatWillNotDo(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		if store, err := features.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
			if err == nil {
				store.Close()
			}
		}
	}
	folder := t.TempDir()
	f(filepath.Join(folder, "absent"), "`make features` computes")
	write(t, filepath.Join(folder, "text"), []byte(strings.Repeat("no features\n", 1000)))
	f(filepath.Join(folder, "text"), "Remove it")
	used := filepath.Join(folder, "used")
	store := create(t, used)
	f(used, "is in use")
	store.Close()
	other := origin
	other.Space = "two"
	if _, err := features.Create(used, other); err == nil || !strings.Contains(err.Error(), "of another encoder") {
		t.Errorf("features of another encoder: %v", err)
	}
	again, err := features.Open(used)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Origin.Space != "one" || !slices.Equal(again.Origin.Widths, origin.Widths) {
		t.Errorf("origin %+v", again.Origin)
	}
}

// TestFeaturesOfTheBuiltInEncoder goes the whole way: two drawn photos, one that is
// none, a sentence.
func TestFeaturesOfTheBuiltInEncoder(t *testing.T) {
	places := features.Places{Binaries: absolute(t, "../../bin"), Bundle: absolute(t, "../../build/encoders/builtin")}
	for _, needed := range []string{filepath.Join(places.Binaries, "vsed-decoder-vips"), filepath.Join(places.Binaries, "vsed-encoder-onnx"), places.Bundle} {
		if _, err := os.Stat(needed); err != nil {
			t.Skip("no programs or no built-in bundle: run `make build model` first")
		}
	}
	folder := t.TempDir()
	draw(t, filepath.Join(folder, "red.png"), color.RGBA{255, 0, 0, 255})
	draw(t, filepath.Join(folder, "blue.png"), color.RGBA{0, 0, 255, 255})
	write(t, filepath.Join(folder, "text.png"), []byte("no photo"))
	encoders, err := features.OpenEncoders(t.Context(), places)
	if err != nil {
		t.Fatal(err)
	}
	defer encoders.Close()
	store, err := features.Create(filepath.Join(t.TempDir(), "f"), encoders.Origin)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	refused, err := store.AddPictures(t.Context(), encoders.Camera, folder, []string{"blue.png", "red.png", "text.png"}, silent)
	if err != nil || len(refused) != 1 || refused[0].Name != "text.png" {
		t.Fatalf("refused %v, error %v", refused, err)
	}
	if err := store.AddSentences(t.Context(), encoders.Sentences, 2, []string{"a red square"}, silent); err != nil {
		t.Fatal(err)
	}
	read, err := store.Pictures([]string{"red.png", "blue.png"})
	if err != nil {
		t.Fatal(err)
	}
	red, blue := read.Row(nil, 0), read.Row(nil, 1)
	if len(red) != 3104 || slices.Equal(red, blue) || slices.Max(red) <= 0 {
		t.Errorf("%d values, red and blue alike: %v", len(red), slices.Equal(red, blue))
	}
	rows, err := store.Sentences([]string{"a red square"})
	if err != nil || len(rows[0]) != 384 {
		t.Errorf("the sentence has %d values, error %v", len(rows[0]), err)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func draw(t *testing.T, path string, fill color.Color) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for at := range 64 * 48 {
		picture.Set(at%64, at/64, fill)
	}
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}
