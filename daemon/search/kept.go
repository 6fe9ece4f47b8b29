package search

import (
	"slices"
	"sync"

	"vsed/index"
)

// keptLists is how many lists are kept for their next pages: some 50 kB each.
const keptLists = 32

// A ranking is what a query found, best first.
type ranking struct {
	hits           []index.Hit
	goodMatch      bool
	partial        string
	rows, rescored int
	sources        []source        // at least one
	owed           map[int64]uint8 // to which source a photo owes its score; absent: the first
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
	if len(k.lists) == keptLists {
		k.lists = slices.Delete(k.lists, 0, 1)
	}
	k.lists = append(k.lists, keptList{asked, change, r})
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
