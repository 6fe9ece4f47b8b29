package dataset

import (
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
