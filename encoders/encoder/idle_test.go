package encoder

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vsed/encoders/bundle"
	"vsed/encoders/onnx"
	"vsed/encoders/runtime/runtimetest"
)

func (s *pictureSide) loaded() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.image != nil
}

func TestIdlePictureGraphIsFreed(t *testing.T) {
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	loaded := runtimetest.Load(t)
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(t.Context(), read, loaded, Options{IdleUnload: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		picture := [][]byte{{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}}
		f := func(wait time.Duration, want bool) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			if e.pictures.loaded() != want {
				t.Errorf("loaded %v, want %v", !want, want)
			}
		}
		f(59*time.Second, true)
		f(2*time.Second, false)
		for range 3 {
			if _, err := e.EncodePictures(t.Context(), picture); err != nil {
				t.Fatal(err)
			}
			f(59*time.Second, true)
		}
		if err := e.Unload(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(0, false)
		if _, err := e.EncodePictures(t.Context(), picture); err != nil {
			t.Error(err)
		}
	})
}

func TestBatchIsChosenWithinTheLimit(t *testing.T) {
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, read)
	f := func(count, least, most int) {
		t.Helper()
		pictures := slices.Repeat([][]byte{{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}}, count)
		found, err := e.EncodePictures(t.Context(), pictures)
		if err != nil || len(found) != count || e.pictures.batch < least || e.pictures.batch > most {
			t.Errorf("%d pictures: batch %d, %d embeddings, %v", count, e.pictures.batch, len(found), err)
		}
	}
	f(leastCall-1, 0, 0) // few pictures do not wait for the choice
	f(leastCall, 1, 3)
	f(1, 1, 3)
	var sizes []int
	for size := 1; size <= 12; size = nextSize(size, 12) {
		sizes = append(sizes, size)
	}
	if len(sizes) != 5 || sizes[4] != 12 {
		t.Errorf("sizes %v", sizes)
	}
}

// Queries come before pictures also where the cores are few.
func TestPicturesGiveWayOnTheCPU(t *testing.T) {
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, read)
	own, theirs := niceness(), 0
	if err := e.pictures.thread.do(func() error { theirs = niceness(); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := min(own+pictureNiceness, 19); theirs != want {
		t.Errorf("pictures run with niceness %d, want %d", theirs, want)
	}
}

// An upgrade may put other files in place while the graph is freed: it must not give
// the vectors of another space.
func TestAGraphThatWasChangedIsNotLoadedAgain(t *testing.T) {
	read, err := small(t, func(*bundle.Manifest) {})
	if err != nil {
		t.Fatal(err)
	}
	e, path := open(t, read), read.Path("image.onnx")
	g := onnx.NewGraph("another")
	picture := g.Input("picture", onnx.Uint8, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2), onnx.Fixed(2), onnx.Fixed(3)})
	colour := g.Op("ReduceMean", []*onnx.Value{g.Op("Cast", []*onnx.Value{picture}, onnx.Int("to", int64(onnx.Float32)))}, onnx.Ints("axes", 1, 2), onnx.Int("keepdims", 0))
	g.Output(g.Named("colour", "Neg", []*onnx.Value{colour}), nil)
	data, err := g.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Unload(t.Context()), os.WriteFile(path+".new", data, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	found, err := e.EncodePictures(t.Context(), [][]byte{{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}})
	if err == nil || !strings.Contains(err.Error(), "restart vsed") {
		t.Errorf("found %v, %v", found, err)
	}
}
