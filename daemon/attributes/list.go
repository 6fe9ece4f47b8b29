package attributes

import (
	"slices"

	"vsed/index"
)

// Change is the number of the last change that the store knows, and ready
// whether it has known all that the catalogue held at one time.
func (s *Store) Change() (change int64, ready bool) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.reached.Change, s.ready
}

// Group gives the number of a photo's group, its own where it is alone or not
// known.
func (s *Store) Group(id int64) int64 {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	if !(Set{s.shown}).Has(id) {
		return id
	}
	return int64(s.groupOf(id))
}

// ByTime scores photos so that index.Compare puts the newest first, or the
// oldest, and those of unknown time last: a score is in seconds.
func (s *Store) ByTime(ids []int64, oldest bool) []index.Hit {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	hits := make([]index.Hit, len(ids))
	for i, id := range ids {
		hits[i] = index.Hit{ID: id, Score: s.timeScore(id, oldest)}
	}
	slices.SortFunc(hits, index.Compare)
	return hits
}

// unknownScore is below that of every time of four digits of a year.
const unknownScore = -1e12

func (s *Store) timeScore(id int64, oldest bool) float64 {
	if !(Set{s.shown}).Has(id) {
		return unknownScore
	}
	taken := s.blocks[id/blockRows].taken[id%blockRows]
	switch {
	case taken == unknownTime:
		return unknownScore
	case oldest:
		return -float64(taken)
	}
	return float64(taken)
}

// A Listing is which photos of a set List gives.
type Listing struct {
	Oldest    bool // first; else the newest
	Ungrouped bool // all photos of a group, not only its first in this order
	After     *index.Hit
	Limit     int
}

// List gives the first photos of a set by time, as ByTime scores them, that come
// after a hit of an earlier list.
func (s *Store) List(set Set, wanted Listing) []index.Hit {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	var first map[int64]index.Hit
	if !wanted.Ungrouped {
		first = s.firstOfGroups(set, wanted.Oldest)
	}
	var list []index.Hit
	for id := range set.All {
		hit := index.Hit{ID: id, Score: s.timeScore(id, wanted.Oldest)}
		if wanted.After != nil && index.Compare(*wanted.After, hit) >= 0 {
			continue
		}
		if other, ok := first[int64(s.groupOf(id))]; ok && other.ID != id {
			continue
		}
		if list = append(list, hit); len(list) >= 2*wanted.Limit+1024 {
			list = best(list, wanted.Limit)
		}
	}
	return best(list, wanted.Limit)
}

func best(list []index.Hit, limit int) []index.Hit {
	slices.SortFunc(list, index.Compare)
	return list[:min(limit, len(list))]
}

// firstOfGroups gives the first photo of each group of which the set has several.
func (s *Store) firstOfGroups(set Set, oldest bool) map[int64]index.Hit {
	several, first := s.several(set), make(map[int64]index.Hit)
	for id := range set.All {
		group := int64(s.groupOf(id))
		if !several.Has(group) {
			continue
		}
		hit := index.Hit{ID: id, Score: s.timeScore(id, oldest)}
		if other, ok := first[group]; !ok || index.Compare(hit, other) < 0 {
			first[group] = hit
		}
	}
	return first
}

// several gives the numbers of the groups of which the set has several photos.
func (s *Store) several(set Set) Set {
	once, twice := make([]uint64, len(s.shown)), make([]uint64, len(s.shown))
	for id := range set.All {
		group := s.groupOf(id)
		twice[group/64] |= once[group/64] & (1 << (group % 64))
		once[group/64] |= 1 << (group % 64)
	}
	return Set{twice}
}
