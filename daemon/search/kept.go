package search

import (
	"slices"
	"sync"

	"vsed/index"
)

const (
	// keptLists is how many lists are kept for their next pages: some 80 kB each.
	keptLists = 32
	// keptBytes is what they may take together. One whose explanation was asked for
	// takes 0.3 MB, with many alternatives 3 MB; the newest is kept whatever it takes.
	keptBytes = 4 << 20
	// hitBytes and entryBytes are what a hit takes, and at most an entry of a map.
	hitBytes, entryBytes = 16, 40
)

// A ranking is what a query found, best first.
type ranking struct {
	hits           []index.Hit
	goodMatch      bool
	partial        string
	rows, rescored int
	sources        []source        // at least one
	owed           map[int64]uint8 // to which source a photo owes its score; absent: the first
}

// bytes is about what it takes in memory.
func (r ranking) bytes() int {
	entries := len(r.owed)
	for _, from := range r.sources {
		entries += len(from.cosines) + len(from.vectorRanks) + len(from.wordRanks)
	}
	return hitBytes*cap(r.hits) + entryBytes*entries
}

// from gives the source that a photo owes its score to.
func (r ranking) from(id int64) *source { return &r.sources[r.owed[id]] }

// after gives at most so many hits that come after a cursor.
func (r ranking) after(place cursor, count int) []index.Hit {
	begin := slices.IndexFunc(r.hits, place.before)
	if begin < 0 {
		return nil
	}
	return r.hits[begin:min(len(r.hits), begin+count)]
}

// has reports whether a photo is in it, with this score.
func (r ranking) has(hit index.Hit) bool {
	_, found := slices.BinarySearchFunc(r.hits, hit, index.Compare)
	return found
}

// kept holds the rankings whose next page may be asked for. What comes in, goes
// or is tagged between two pages would change scores, and with them the places
// of others: pages of one ranking neither repeat nor skip.
type kept struct {
	mutex sync.Mutex
	lists []keptList // the last used one last
}

type keptList struct {
	asked  Request // its text and what it asked for
	change int64   // at which it was made
	ranking
}

func (k *kept) put(asked Request, change int64, r ranking) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.lists = append(k.lists, keptList{asked, change, r})
	bytes, first := 0, len(k.lists)
	for first > 0 && len(k.lists)-first < keptLists {
		bytes += k.lists[first-1].bytes()
		if bytes > keptBytes && first < len(k.lists) {
			break
		}
		first--
	}
	k.lists = slices.Delete(k.lists, 0, first)
}

// take gives the ranking again that a cursor is of, as long as it is kept. Two can be
// of one change, where another encoder took over or did not answer: the one with the
// cursor's very hit is meant.
func (k *kept) take(asked Request, after cursor) (ranking, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for i := len(k.lists) - 1; i >= 0; i-- {
		if one := k.lists[i]; one.asked == asked && one.change == after.change && one.has(after.Hit) {
			k.lists = append(slices.Delete(k.lists, i, i+1), one)
			return one.ranking, true
		}
	}
	return ranking{}, false
}
