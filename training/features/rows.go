package features

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Photos say whose features are wanted: a Store knows them by their names, an Array by
// their numbers among those of its set.
type Photos struct {
	Names   []string
	Numbers []int
	Count   int // of the photos of the set, wanted or not
}

// Rows are features of photos, in their order, from a file of either form.
type Rows struct {
	Features interface {
		Len() int
		Width() int
		Row(into []float32, i int) []float32
	}
	Widths []int  // of the parts of a feature
	Space  string // a Store's; an Array's tells the number of values alone

	close func() error
}

// OpenRows opens the features of photos: NumPy's where the path ends in .npy, else those
// of a Store. The caller must Close them, and not read them after.
func OpenRows(path string, photos Photos) (*Rows, error) {
	if filepath.Ext(path) == ".npy" {
		a, err := OpenNPY(path, photos.Numbers, photos.Count)
		if err != nil {
			return nil, err
		}
		return &Rows{Features: a, Widths: []int{a.Width()}, Space: fmt.Sprintf("npy, %d values", a.Width()), close: a.Close}, nil
	}
	store, err := Open(path)
	if err != nil {
		return nil, err
	}
	stored, err := store.Pictures(photos.Names)
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return &Rows{Features: stored, Widths: store.Origin.Widths, Space: store.Origin.Space, close: func() error { return nil }}, nil
}

// Close lets go of the file.
func (r *Rows) Close() error { return r.close() }
