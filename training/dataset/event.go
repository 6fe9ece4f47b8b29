package dataset

import (
	"cmp"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// eventGap is the pause that begins a new event: longer than between the photos of
	// an outing, shorter than between two outings.
	eventGap = time.Hour
	// alikeBits is in how many of 64 bits the hashes of two photos of one scene differ
	// at most.
	alikeBits = 6
)

// Events gives each photo the number of its event: a run of photos with no pause of
// an hour between them, and photos that look alike, whenever they were taken. A photo
// of which neither is known is an event of its own.
func (s Set) Events() []int {
	groups := newGroups(len(s))
	s.joinByTime(groups)
	s.joinByLooks(groups)
	numbers := map[int]int{}
	events := make([]int, len(s))
	for i := range s {
		root := groups.root(i)
		if _, ok := numbers[root]; !ok {
			numbers[root] = len(numbers)
		}
		events[i] = numbers[root]
	}
	return events
}

func (s Set) joinByTime(groups groups) {
	var dated []int
	for i, photo := range s {
		if !photo.Taken.IsZero() {
			dated = append(dated, i)
		}
	}
	slices.SortFunc(dated, func(a, b int) int { return s[a].Taken.Compare(s[b].Taken) })
	for i := 1; i < len(dated); i++ {
		if s[dated[i]].Taken.Sub(s[dated[i-1]].Taken) < eventGap {
			groups.join(dated[i-1], dated[i])
		}
	}
}

// joinByLooks compares all pairs: 10,000 photos take a tenth of a second.
func (s Set) joinByLooks(groups groups) {
	for i := range s {
		for j := range i {
			if s[i].Looks != 0 && s[j].Looks != 0 && bits.OnesCount64(s[i].Looks^s[j].Looks) <= alikeBits {
				groups.join(j, i)
			}
		}
	}
}

// HoldOut splits the set into what is learned from and a share that is held out,
// event by event, so that no burst is on both sides. One seed gives one split; it
// does not depend on the order of the photos within an event. Neither side is empty
// where there are two events.
func (s Set) HoldOut(share float64, seed uint64) (learn, held Set) {
	events := s.Events()
	sizes := map[int]int{}
	for _, event := range events {
		sizes[event]++
	}
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(sizes))
	wanted, chosen := share*float64(len(s)), map[int]bool{}
	for i, total := 0, 0; i < len(order)-1 && (total == 0 || float64(total)+float64(sizes[order[i]])/2 <= wanted); i++ {
		chosen[order[i]] = true
		total += sizes[order[i]]
	}
	for i, photo := range s {
		if chosen[events[i]] {
			held = append(held, photo)
		} else {
			learn = append(learn, photo)
		}
	}
	return learn, held
}

// Folds splits the set into parts of about one size, event by event, so that no burst
// is in two, and each tag as evenly as may be, since of a part without it nothing can be
// told of it (iterative stratification, Sechidis et al. 2011). There are fewer parts than
// asked for where there are fewer events. One seed gives one split.
func (s Set) Folds(count int, seed uint64) []Set {
	f := newFolding(s, count, seed)
	for _, tag := range append(f.tags, "") { // at last those without any
		f.deal(tag)
	}
	folds := make([]Set, len(f.filled))
	for i, photo := range s {
		folds[f.fold[f.events[i]]] = append(folds[f.fold[f.events[i]]], photo)
	}
	return folds
}

// folding deals events to folds.
type folding struct {
	events []int            // of each photo
	order  []int            // of all events, the largest first
	photos []int            // in each event
	having []map[string]int // of them, with each tag
	tags   []string         // those in fewest events first
	fold   map[int]int      // of each event that is dealt
	filled []int            // photos in each fold
	most   int              // photos that fill a fold
}

func newFolding(s Set, count int, seed uint64) *folding {
	f := &folding{events: s.Events(), fold: map[int]int{}}
	for i, photo := range s {
		if f.events[i] == len(f.photos) {
			f.photos, f.having = append(f.photos, 0), append(f.having, map[string]int{})
		}
		f.photos[f.events[i]]++
		for _, tag := range photo.Tags {
			f.having[f.events[i]][tag]++
		}
	}
	f.order = rand.New(rand.NewPCG(seed, 0)).Perm(len(f.photos))
	slices.SortStableFunc(f.order, func(a, b int) int { return f.photos[b] - f.photos[a] })
	f.filled = make([]int, min(count, len(f.photos)))
	f.most = (len(s) + len(f.filled) - 1) / max(1, len(f.filled))
	events := map[string]int{}
	for _, having := range f.having {
		for tag := range having {
			events[tag]++
		}
	}
	f.tags = slices.SortedFunc(maps.Keys(events), func(a, b string) int { return cmp.Or(events[a]-events[b], cmp.Compare(a, b)) })
	return f
}

// deal gives each event with a tag that is left, or each that is left, to a fold: of those
// that have room that with fewest photos of the tag, then of all.
func (f *folding) deal(tag string) {
	has := make([]int, len(f.filled))
	for event, fold := range f.fold {
		has[fold] += f.having[event][tag]
	}
	for _, event := range f.order {
		if _, dealt := f.fold[event]; dealt || tag != "" && f.having[event][tag] == 0 {
			continue
		}
		best := -1
		for fold, filled := range f.filled {
			if filled < f.most && (best < 0 || cmp.Or(has[fold]-has[best], filled-f.filled[best]) < 0) {
				best = fold
			}
		}
		f.fold[event] = best
		f.filled[best] += f.photos[event]
		has[best] += f.having[event][tag]
	}
}

// groups are disjoint sets of places, by the place of one of each.
type groups []int

func newGroups(count int) groups {
	g := make(groups, count)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) root(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(a, b int) { g[g.root(b)] = g.root(a) }
