package attributes

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"vsed/daemon/query"
	"vsed/index/keyword"
)

// Select gives the photos that pass a filter; nil lets all pass.
func (s *Store) Select(ctx context.Context, filter query.Expression) (Set, error) {
	offline, err := s.offline(ctx)
	if err != nil {
		return Set{}, err
	}
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return Set{s.eval(filter, offline)}, nil
}

// Tagged gives the photos that someone gave a tag, of which a * is a letter as others
// are.
func (s *Store) Tagged(name string) Set {
	name = keyword.Normal(name)
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return Set{s.bits(s.tags.matching(func(tag string) bool { return tag == name }))}
}

// offline gives the numbers of the folders that cannot be read at present.
// Photos do not change when one comes or goes.
func (s *Store) offline(ctx context.Context) (map[int64]bool, error) {
	folders, err := s.catalogue.Folders(ctx)
	if err != nil {
		return nil, fmt.Errorf("filters: %w", err)
	}
	offline := make(map[int64]bool)
	for _, folder := range folders {
		offline[folder.ID] = folder.Offline
	}
	return offline, nil
}

// eval gives bits of its own, of which none is set that shown has not.
func (s *Store) eval(e query.Expression, offline map[int64]bool) []uint64 {
	switch e := e.(type) {
	case nil:
		return slices.Clone(s.shown)
	case query.And:
		words := s.eval(e[0], offline)
		for _, operand := range e[1:] {
			for i, word := range s.eval(operand, offline) {
				words[i] &= word
			}
		}
		return words
	case query.Or:
		words := s.eval(e[0], offline)
		for _, operand := range e[1:] {
			for i, word := range s.eval(operand, offline) {
				words[i] |= word
			}
		}
		return words
	case query.Not:
		return s.without(s.eval(e.Of, offline))
	}
	return s.leaf(e, offline)
}

// without turns bits around, among the photos that are shown.
func (s *Store) without(words []uint64) []uint64 {
	for i, shown := range s.shown {
		words[i] = shown &^ words[i]
	}
	return words
}

func (s *Store) leaf(e query.Expression, offline map[int64]bool) []uint64 {
	switch e := e.(type) {
	case query.Match:
		return s.match(e)
	case query.Date:
		return s.taken(e)
	case query.Rating:
		return s.scan(func(b *block, row int) bool { return int(b.rating[row]) >= e.Least && int(b.rating[row]) <= e.Most })
	case query.Near:
		return s.near(e)
	case query.Is:
		return s.is(e.Property, offline)
	}
	panic("attributes: a filter of an unknown kind")
}

// scan gives the photos that a function of their row keeps.
func (s *Store) scan(keep func(b *block, row int) bool) []uint64 {
	words := make([]uint64, len(s.shown))
	for i, shown := range s.shown {
		if shown == 0 {
			continue
		}
		b, first := s.blocks[i*64/blockRows], i*64%blockRows
		var word uint64
		for bit := range 64 {
			if shown&(1<<bit) != 0 && keep(b, first+bit) {
				word |= 1 << bit
			}
		}
		words[i] = word
	}
	return words
}

func (s *Store) bits(photos *roaring.Bitmap) []uint64 {
	words := make([]uint64, len(s.shown))
	photos.WriteDenseTo(words)
	return words
}

func (s *Store) match(e query.Match) []uint64 {
	switch e.Field {
	case query.Tag:
		return s.bits(s.tags.matching(whole(e.Pattern)))
	case query.Folder:
		return s.bits(s.folders.matching(folderMatch(e.Pattern)))
	case query.Place:
		return s.place(whole(e.Pattern))
	case query.Name:
		match := part(e.Pattern)
		return s.scan(func(b *block, row int) bool { return anyName(b.nameOf(row), match) })
	}
	match := part(e.Pattern)
	matching := make([]bool, len(s.devices.values))
	for i, one := range s.devices.values {
		name := one.camera
		if e.Field == query.Lens {
			name = one.lens
		}
		matching[i] = name != "" && match([]byte(name))
	}
	return s.scan(func(b *block, row int) bool { return matching[b.device[row]] })
}

func (s *Store) place(match func(string) bool) []uint64 {
	matching := make([]bool, len(s.spots.values))
	for i, spot := range s.spots.values {
		for _, name := range []string{spot.name, spot.city, spot.region, spot.country} {
			matching[i] = matching[i] || name != "" && match(name)
		}
	}
	return s.scan(func(b *block, row int) bool { return matching[b.spot[row]] })
}

func (s *Store) taken(e query.Date) []uint64 {
	from, before := int64(unknownTime+1), int64(math.MaxInt64)
	if day, err := time.Parse("2006-01-02", e.From); err == nil {
		from = day.Unix()
	}
	if day, err := time.Parse("2006-01-02", e.Before); err == nil {
		before = day.Unix()
	}
	return s.scan(func(b *block, row int) bool { return b.taken[row] >= from && b.taken[row] < before })
}

// earth is the mean radius in kilometres.
const earth = 6371.0088

func (s *Store) near(e query.Near) []uint64 {
	reach := e.Kilometres / earth * 180 / math.Pi // in degrees of latitude
	south, north := (e.Latitude-reach)*1e7-1, (e.Latitude+reach)*1e7+1
	return s.scan(func(b *block, row int) bool {
		latitude := float64(b.latitude[row])
		return b.latitude[row] != nowhere && latitude >= south && latitude <= north &&
			kilometres(e.Latitude, e.Longitude, latitude/1e7, float64(b.longitude[row])/1e7) <= e.Kilometres
	})
}

// kilometres is the distance of two positions in degrees along a great circle,
// by the haversine.
func kilometres(latitude1, longitude1, latitude2, longitude2 float64) float64 {
	const radian = math.Pi / 180
	north, east := math.Sin((latitude2-latitude1)*radian/2), math.Sin((longitude2-longitude1)*radian/2)
	return 2 * earth * math.Asin(min(1, math.Sqrt(north*north+math.Cos(latitude1*radian)*math.Cos(latitude2*radian)*east*east)))
}

func (s *Store) is(property query.Property, offline map[int64]bool) []uint64 {
	switch property {
	case query.Untagged:
		return s.scan(func(b *block, row int) bool { return b.tags[row] == 0 })
	case query.Tagged:
		return s.scan(func(b *block, row int) bool { return b.tags[row] > 0 })
	case query.Located:
		return s.scan(func(b *block, row int) bool { return b.latitude[row] != nowhere })
	case query.Dated:
		return s.scan(func(b *block, row int) bool { return b.taken[row] != unknownTime })
	case query.Rated:
		return s.scan(func(b *block, row int) bool { return b.rating[row] > 0 })
	case query.Rejected:
		return s.scan(func(b *block, row int) bool { return b.rating[row] < 0 })
	case query.Favourite:
		return s.eval(favourite, nil)
	case query.Offline:
		return s.without(s.bits(s.folders.matching(func(f folder) bool { return !offline[f.root] })))
	case query.Grouped:
		return s.grouped()
	}
	panic("attributes: a property of an unknown kind")
}

var favourite = query.Or{
	query.Rating{Least: 5, Most: 5}, query.Match{Field: query.Tag, Pattern: "favourite"}, query.Match{Field: query.Tag, Pattern: "favorite"},
}

// grouped gives the photos whose group has another that is shown.
func (s *Store) grouped() []uint64 {
	several := s.several(Set{s.shown})
	return s.scanIDs(func(id int64) bool { return several.Has(int64(s.groupOf(id))) })
}

func (s *Store) scanIDs(keep func(id int64) bool) []uint64 {
	words := make([]uint64, len(s.shown))
	for id := range (Set{s.shown}).All {
		if keep(id) {
			words[id/64] |= 1 << (id % 64)
		}
	}
	return words
}

func (s *Store) groupOf(id int64) uint32 { return s.blocks[id/blockRows].group[id%blockRows] }
