package encoder

import (
	"testing"
	"testing/synctest"
	"time"

	"vsed/encoders/bundle"
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
	loaded := library(t)
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
	found, err := e.EncodePictures(t.Context(), [][]byte{{9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0}})
	if err != nil || len(found) != 1 || e.pictures.batch < 1 || e.pictures.batch > 3 {
		t.Errorf("batch %d, %d embeddings, %v", e.pictures.batch, len(found), err)
	}
	var sizes []int
	for size := 1; size <= 12; size = nextSize(size, 12) {
		sizes = append(sizes, size)
	}
	if len(sizes) != 5 || sizes[4] != 12 {
		t.Errorf("sizes %v", sizes)
	}
}
