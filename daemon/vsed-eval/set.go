package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vsed/daemon/catalogue"
	"vsed/index/vector"
	"vsed/plugins/contract"
)

// A set is the photos for development, encoded, with the encoder of the
// sentences.
type set struct {
	options
	texts   *texts
	photos  []photo
	byPath  map[string]photo
	state   *catalogue.Catalogue
	vectors *vector.Index
}

type photo struct {
	id     int64
	vector []float32
}

// open has what is not encoded yet encoded, and opens what the daemon left.
func open(ctx context.Context, o options) (*set, error) {
	if err := encodePhotos(ctx, o); err != nil {
		return nil, err
	}
	s := &set{options: o, byPath: map[string]photo{}}
	var err error
	if s.texts, err = openTexts(ctx, o); err != nil {
		return nil, err
	}
	if err := s.openState(ctx, s.texts.about); err != nil {
		return nil, joined(err, s.close())
	}
	return s, nil
}

func (s *set) openState(ctx context.Context, about *contract.EncoderDescription) (err error) {
	state := filepath.Join(s.work, "state")
	if s.state, err = catalogue.Open(ctx, state); err != nil {
		return err
	}
	space, err := s.state.Space(ctx, about.GetSpace())
	if err != nil {
		return err
	}
	folder := filepath.Join(state, "vectors", space.Name())
	if s.vectors, err = vector.Open(folder, int(about.GetDimensions()), vector.Options{}); err != nil {
		return err
	}
	return s.readPhotos(ctx, space)
}

func (s *set) readPhotos(ctx context.Context, space *catalogue.Space) error {
	vectors := map[int64][]float32{}
	changes, err := space.Changed(ctx, catalogue.Cursor{}, 1<<30)
	if err != nil {
		return err
	}
	for _, change := range changes {
		vectors[change.Photo] = change.Vector
	}
	found, err := s.state.Changed(ctx, catalogue.Cursor{}, 1<<30)
	if err != nil {
		return err
	}
	for _, one := range found {
		if vectors[one.ID] == nil {
			continue
		}
		encoded := photo{one.ID, vectors[one.ID]}
		s.photos = append(s.photos, encoded)
		for _, file := range one.Files {
			s.byPath[file.Path] = encoded
		}
	}
	return nil
}

func (s *set) close() (err error) {
	if s.vectors != nil {
		err = s.vectors.Close()
	}
	if s.state != nil {
		err = joined(err, s.state.Close())
	}
	return joined(err, s.texts.close())
}

// find gives the encoded photos of a folder by their names. One that is missing
// ends the evaluation: a figure over fewer photos is another figure.
func (s *set) find(folder string, names []string) ([]photo, error) {
	list := make([]photo, len(names))
	for i, name := range names {
		var ok bool
		if list[i], ok = s.byPath[filepath.Join(s.data, folder, name)]; !ok {
			return nil, fmt.Errorf("the photo %s of %s was not encoded", name, folder)
		}
	}
	return list, nil
}

// A labelled line is a photo's name and what was said of it.
type labelled struct{ name, label string }

func readLabels(path string) (list []labelled, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, label, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			return nil, fmt.Errorf("%s: the line %q has no tab", path, lines.Text())
		}
		list = append(list, labelled{name, label})
	}
	return list, lines.Err()
}

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func cosines(query []float32, photos []photo) []float64 {
	scores := make([]float64, len(photos))
	for i, one := range photos {
		scores[i] = cosine(query, one.vector)
	}
	return scores
}
