// Package attributes knows of every photo what filters ask for, in some 80
// bytes each, most of them in a mapped file: when and where it was taken and by what camera, its rating, tags,
// folders and file names. It follows the catalogue, and finds the photos that
// pass a filter of package query in about a millisecond, as bits that both
// indexes take. The language, the indexes and the order of hits are no business
// of this package.
package attributes

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/places"
	"vsed/index/keyword"
)

// followBatch is how many photos are read from the catalogue at once.
const followBatch = 500

// A Store holds the attributes of the photos that can be found. Its methods may
// be called by any number of goroutines, CatchUp by one.
type Store struct {
	catalogue *catalogue.Catalogue
	places    *places.Gazetteer

	file    string // of the snapshots; "": none are kept
	unsaved int    // photos that were taken in since the last one; CatchUp's

	mutex   sync.RWMutex
	reached catalogue.Cursor
	ready   bool     // whether CatchUp has once caught up
	shown   []uint64 // a bit a photo that can be found
	blocks  []*block // a row a photo, by its id
	mapped  []byte   // the snapshot that they lie in; nil: none
	devices dictionary[device]
	spots   dictionary[spot]
	tags    postings[string]
	folders postings[folder]
}

// New makes an empty store over an open catalogue and gazetteer (nil: no place
// names). CatchUp fills it.
func New(c *catalogue.Catalogue, where *places.Gazetteer) *Store {
	return &Store{catalogue: c, places: where}
}

// CatchUp takes in what changed in the catalogue since the last time. Where no snapshot
// can be written, on a full disk say, it does so all the same, and tells at the end.
func (s *Store) CatchUp(ctx context.Context) error {
	var unwritten error
	for ctx.Err() == nil {
		photos, err := s.catalogue.Changed(ctx, s.reached, followBatch)
		if err != nil {
			return err
		}
		if len(photos) == 0 {
			s.mutex.Lock()
			s.ready = true
			s.mutex.Unlock()
			return unwritten
		}
		if err := s.apply(photos); err != nil {
			return err
		}
		if s.unsaved += len(photos); s.due() {
			unwritten = s.Save()
			s.unsaved = 0 // after a failure the next one is due as late as after a success
		}
	}
	return ctx.Err()
}

// CaughtUp reports whether the store knows all that the catalogue holds.
func (s *Store) CaughtUp(ctx context.Context) (bool, error) {
	s.mutex.RLock()
	reached := s.reached
	s.mutex.RUnlock()
	behind, err := s.catalogue.Changed(ctx, reached, 1)
	return len(behind) == 0, err
}

// apply takes in photos, in the order of their change.
func (s *Store) apply(photos []catalogue.Photo) error {
	spots := make([]spot, len(photos))
	for i, photo := range photos {
		if photo.ID < 0 || photo.ID > math.MaxUint32 {
			return fmt.Errorf("filters: the photo number %d is beyond %d", photo.ID, uint32(math.MaxUint32))
		}
		spots[i] = s.spotOf(photo)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, photo := range photos {
		s.put(photo, spots[i])
	}
	last := photos[len(photos)-1]
	s.reached = catalogue.Cursor{Change: last.Change, Photo: last.ID}
	return nil
}

// put replaces what is known of a photo.
func (s *Store) put(photo catalogue.Photo, where spot) {
	for int(photo.ID/blockRows) >= len(s.blocks) {
		s.blocks = append(s.blocks, nil)
		s.shown = append(s.shown, make([]uint64, blockRows/64)...)
	}
	number, row := int(photo.ID/blockRows), int(photo.ID%blockRows)
	if s.blocks[number] == nil {
		s.blocks[number] = newBlock()
	}
	s.shown[photo.ID/64] &^= 1 << (photo.ID % 64)
	b, id := s.blocks[number], uint32(photo.ID)
	if !photo.Visible() {
		s.tags.replace(id, &b.tags[row], nil)
		s.folders.replace(id, &b.folders[row], nil)
		b.setName(row, "")
		return
	}
	s.shown[photo.ID/64] |= 1 << (photo.ID % 64)
	s.tags.replace(id, &b.tags[row], tagsOf(photo))
	s.folders.replace(id, &b.folders[row], foldersOf(photo))
	b.set(row, photo)
	b.device[row] = s.devices.number(device{keyword.Normal(photo.Camera), keyword.Normal(photo.Lens)})
	b.spot[row] = s.spots.number(where)
}

// A device is what took a photo, in the normal forms of its names.
type device struct{ camera, lens string }

// A spot is where a photo was taken: the names of the place, in normal form.
type spot struct{ name, city, region, country string }

func (s *Store) spotOf(photo catalogue.Photo) spot {
	if !photo.Located {
		return spot{}
	}
	place, _ := s.places.Near(photo.Latitude, photo.Longitude)
	return spot{keyword.Normal(place.Name), keyword.Normal(place.City), keyword.Normal(place.Region), keyword.Normal(place.Country)}
}

// A folder is where a file of a photo lies, its paths in normal form.
type folder struct {
	root     int64  // number of the watched folder
	absolute string // without the slash in front
	named    string // from the watched folder's own name on
	below    string // from below the watched folder on; "" the watched folder itself
}

func newFolder(file catalogue.File) folder {
	path := filepath.Dir(file.Path)
	below, err := filepath.Rel(file.Folder, path)
	if err != nil || below == "." {
		below = ""
	}
	return folder{
		root: file.FolderID, absolute: keyword.Normal(strings.TrimPrefix(path, "/")),
		named: keyword.Normal(filepath.Join(filepath.Base(file.Folder), below)), below: keyword.Normal(below),
	}
}

func tagsOf(photo catalogue.Photo) []string {
	var tags []string
	for _, tag := range photo.Tags {
		tags = appendNew(tags, keyword.Normal(tag.Name))
	}
	return tags
}

func foldersOf(photo catalogue.Photo) []folder {
	var folders []folder
	for _, file := range photo.Files {
		if !file.Missing && !file.Rejected {
			folders = appendNew(folders, newFolder(file))
		}
	}
	return folders
}

// namesOf gives the names of a photo's files in normal form, with a NUL between,
// which no name has.
func namesOf(photo catalogue.Photo) string {
	var names []string
	for _, file := range photo.Files {
		if !file.Missing && !file.Rejected {
			names = appendNew(names, keyword.Normal(filepath.Base(file.Path)))
		}
	}
	return strings.Join(names, "\x00")
}

func appendNew[T comparable](list []T, one T) []T {
	for _, other := range list {
		if other == one {
			return list
		}
	}
	return append(list, one)
}

// unknownTime stands where a photo has no time.
const unknownTime = math.MinInt64

// seconds gives a camera's local time as seconds since 1970 of that clock.
func seconds(taken string) int64 {
	at, err := time.Parse("2006-01-02T15:04:05", taken)
	if err != nil {
		return unknownTime
	}
	return at.Unix()
}

// A Set is a set of photos, at one moment.
type Set struct{ words []uint64 } // bit i%64 of word i/64 is photo i

// Len is the number of photos.
func (s Set) Len() (count int) {
	for _, word := range s.words {
		count += bits.OnesCount64(word)
	}
	return count
}

// Bits gives the set as bits: bit i%64 of word i/64 is photo i. They are shared.
func (s Set) Bits() []uint64 { return s.words }

// Has reports whether the photo is in the set.
func (s Set) Has(id int64) bool {
	return uint64(id)/64 < uint64(len(s.words)) && s.words[id/64]&(1<<(id%64)) != 0
}

// All gives the photos in the order of their ids.
func (s Set) All(yield func(int64) bool) {
	for i, word := range s.words {
		for ; word != 0; word &= word - 1 {
			if !yield(int64(i*64 + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
