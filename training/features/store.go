// Package features keeps what a frozen encoder sees in the photos of a data set and
// reads in its sentences: computed once, through the decoder and the encoder that
// the daemon uses, and read again by each training run. It knows neither labels nor
// splits; package dataset does.
package features

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"vsed/encoders/feature"
)

// An Origin says where features come from. Features of two spaces are never mixed.
type Origin struct {
	Space     string `json:"feature_space"` // bundle.Manifest.FeatureSpace: learned heads do not change it
	Encoder   string `json:"encoder"`       // for people
	Bundle    string `json:"bundle_digest"` // of the bundle that began the file, for people
	Widths    []int  `json:"widths"`        // of the parts of a picture's feature
	TextWidth int    `json:"text_width"`
}

// A Store is a file of features. It is bbolt's: a run that is killed loses the
// batch that was under way, and what is in the file is whole.
type Store struct {
	Origin Origin

	path string
	db   *bbolt.DB
}

// The buckets of the file: pictures by their names, with the size and the time of
// the file that was read; sentences by the SHA-256 of their bytes.
var (
	aboutBucket    = []byte("about")
	picturesBucket = []byte("pictures")
	textsBucket    = []byte("texts")
	originKey      = []byte("origin")
)

// lockTimeout is how long another run may hold the file before this one gives up.
const lockTimeout = time.Second

// Open opens a file of features to read it; other runs may do so at the same time.
func Open(path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file of features %s: `make features` computes those of ../shared/data, vsed-features those of other photos", path)
	}
	s, err := open(path, true)
	if err != nil {
		return nil, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		about := tx.Bucket(aboutBucket)
		if about == nil || tx.Bucket(picturesBucket) == nil || tx.Bucket(textsBucket) == nil {
			return errors.New("it holds no features: remove it, and make it with vsed-features")
		}
		return json.Unmarshal(about.Get(originKey), &s.Origin)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	return s, nil
}

// Create opens a file of features to add to it, and makes it where it is absent. A
// file with features of another origin is refused.
func Create(path string, origin Origin) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	s, err := open(path, false)
	if err != nil {
		return nil, err
	}
	if err := s.db.Update(func(tx *bbolt.Tx) error { return s.begin(tx, origin) }); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), s.Close())
	}
	return s, nil
}

func open(path string, readOnly bool) (*Store, error) {
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{ReadOnly: readOnly, Timeout: lockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use: wait until the other run has ended", path)
	case err != nil:
		return nil, fmt.Errorf("%s: %w: is it a file of features? Remove it, and make it with vsed-features", path, err)
	}
	return &Store{path: path, db: db}, nil
}

// begin compares the origin with the file's, or writes it into a new one.
func (s *Store) begin(tx *bbolt.Tx, origin Origin) error {
	for _, name := range [][]byte{aboutBucket, picturesBucket, textsBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	about := tx.Bucket(aboutBucket)
	if written := about.Get(originKey); written != nil {
		if err := json.Unmarshal(written, &s.Origin); err != nil {
			return err
		}
		if s.Origin.Space != origin.Space || !slices.Equal(s.Origin.Widths, origin.Widths) || s.Origin.TextWidth != origin.TextWidth {
			return fmt.Errorf("its features are of another encoder (%s, space %s; this one is %s, space %s): name another file, or remove it",
				s.Origin.Encoder, s.Origin.Space, origin.Encoder, origin.Space)
		}
		return nil
	}
	s.Origin = origin
	written, err := json.Marshal(origin)
	if err != nil {
		return err
	}
	return about.Put(originKey, written)
}

// Close lets go of the file.
func (s *Store) Close() error { return s.db.Close() }

// A stamp tells a changed file: its size and the time of its last change.
const stampBytes = 16

func stamp(info fs.FileInfo) []byte {
	written := binary.LittleEndian.AppendUint64(nil, uint64(info.Size()))
	return binary.LittleEndian.AppendUint64(written, uint64(info.ModTime().UnixNano()))
}

type entry struct{ key, value []byte }

// put writes entries in one step.
func (s *Store) put(bucket []byte, entries []entry) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, one := range entries {
			if err := tx.Bucket(bucket).Put(one.key, one.value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", s.path, err)
	}
	return nil
}

// A MissingError says what a file of features lacks.
type MissingError struct {
	Path  string
	What  string // "photo" or "sentence"
	First string
	Count int
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s lacks the features of %d %ss, as of %.80q: add them with vsed-features", e.Path, e.Count, e.What, e.First)
}

// lookUp gives each key's value to take; what is missing is one error for all.
func (s *Store) lookUp(what string, bucket []byte, names []string, key func(string) []byte, take func(value []byte) error) error {
	missing := MissingError{Path: s.path, What: what}
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range names {
			value := tx.Bucket(bucket).Get(key(name))
			if value == nil {
				if missing.Count++; missing.Count == 1 {
					missing.First = name
				}
				continue
			}
			if err := take(value); err != nil {
				return fmt.Errorf("%s: %s %.80q: %w: remove the file, and make it with vsed-features", s.path, what, name, err)
			}
		}
		return nil
	})
	if err == nil && missing.Count > 0 {
		return &missing
	}
	return err
}

// Pictures are features of pictures in memory, a byte a value.
type Pictures struct {
	widths []int
	width  int
	stored [][]byte
}

// Pictures reads the features of photos by their names, in that order.
func (s *Store) Pictures(names []string) (*Pictures, error) {
	p := &Pictures{widths: s.Origin.Widths, stored: make([][]byte, 0, len(names))}
	for _, width := range p.widths {
		p.width += width
	}
	err := s.lookUp("photo", picturesBucket, names, func(name string) []byte { return []byte(name) }, func(value []byte) error {
		if len(value) < stampBytes {
			return errors.New("it is cut off")
		}
		stored := slices.Clone(value[stampBytes:])
		p.stored = append(p.stored, stored)
		return feature.Check(stored, p.widths)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Len is the number of pictures.
func (p *Pictures) Len() int { return len(p.stored) }

// Width is the number of values of a feature.
func (p *Pictures) Width() int { return p.width }

// Row appends the feature of picture i to into.
func (p *Pictures) Row(into []float32, i int) []float32 {
	return feature.Values(into, p.stored[i], p.widths)
}

// Stored is the feature of picture i as the catalogue keeps it; not to be changed.
func (p *Pictures) Stored(i int) []byte { return p.stored[i] }

// Sentences reads the features of sentences, in that order.
func (s *Store) Sentences(sentences []string) ([][]float32, error) {
	rows := make([][]float32, 0, len(sentences))
	values := make([]float32, 0, len(sentences)*s.Origin.TextWidth)
	err := s.lookUp("sentence", textsBucket, sentences, textKey, func(value []byte) error {
		if len(value) != 4*s.Origin.TextWidth {
			return fmt.Errorf("it has %d bytes, not %d", len(value), 4*s.Origin.TextWidth)
		}
		for at := 0; at < len(value); at += 4 {
			values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(value[at:])))
		}
		row := values[len(values)-s.Origin.TextWidth:]
		rows = append(rows, row[:len(row):len(row)])
		return finite(row)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func finite(values []float32) error {
	for i, value := range values {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("value %d is %v", i, value)
		}
	}
	return nil
}

func textKey(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
