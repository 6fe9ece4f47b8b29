package learn

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vsed/encoders/bundle"
	"vsed/training/dataset"
	"vsed/training/evaluation"
)

const (
	// leastPhotos with tags: below, so few are held out that chance alone would speak.
	leastPhotos = 20
	// leastOfTag is how many photos must have a tag for it to be learned. Of one photo, or
	// two of one event, nothing tells the tag from the occasion.
	leastOfTag = 3
	// heldShare of the photos with tags is held out to measure.
	heldShare = 0.25
	// leastChoice photos held out are enough for half of them to choose by, what the
	// other half is measured on. Of fewer, what is chosen would be chance: nothing is.
	leastChoice = 200
	// wantedQueries are as many tags as tell a gain from chance; where there are fewer,
	// tags are asked that fewer of the photos held out have.
	wantedQueries = 20
	// mostTags are reported one by one.
	mostTags = 5000
)

// split is what is learned from and what is held out.
type split struct {
	counts    map[string]int  // photos of each tag
	learnable map[string]bool // tags that are learned
	events    int
	learn     []int // places of photos with tags
	held      []int // what is told is measured on them
	bursts    []int // the event of each of them, from 0
	choice    []int // held out, too, to choose by; none where few are held out
	refused   []int // places of photos without tags, of which only refusals are known
	apart     []int // those of them that are of no event that is held out
	queries   []evaluation.Query
	choices   []evaluation.Query // the same tags, of the photos of choice
}

// refusal says why a run ends before anything is learned.
type refusal struct{ reason string }

func refuse(format string, values ...any) *refusal { return &refusal{fmt.Sprintf(format, values...)} }

// divide holds out whole events, or says what is lacking.
func divide(in *input, seed uint64) (s split, no *refusal) {
	s.counts, s.learnable = map[string]int{}, map[string]bool{}
	var set, without dataset.Set
	for place, one := range in.photos {
		photo := dataset.Photo{Name: strconv.FormatInt(one.id, 10), Tags: one.tags, Taken: one.taken, Looks: one.looks, Row: place}
		if len(one.tags) == 0 {
			without = append(without, photo)
			continue
		}
		set = append(set, photo)
		for _, tag := range one.tags {
			s.counts[tag]++
		}
	}
	s.refused = placesOf(without)
	s.chooseTags(len(set))
	if no := s.lacks(set); no != nil {
		return s, no
	}
	for _, event := range set.Events() {
		s.events = max(s.events, event+1)
	}
	learn, held := set.HoldOut(heldShare, seed)
	s.learn, s.apart = placesOf(learn), placesOf(apart(without, held))
	if len(held) == 0 {
		return s, refuse("all %d photos with tags are of one event, so that none can be held out to measure: tag photos of other days", len(set))
	}
	if len(held) >= leastChoice {
		var choice dataset.Set
		held, choice = held.HoldOut(0.5, seed)
		s.choice = placesOf(choice)
	}
	s.held, s.bursts = placesOf(held), held.Events()
	if s.queries = s.ask(in, learn); len(s.queries) == 0 {
		return s, refuse("no tag that could be learned is on photos of two events, so that nothing can be measured: give the tags to photos of other days, too")
	}
	s.choices = s.chooseBy(in)
	return s, nil
}

// in are the places of all photos that are learned from to measure.
func (s *split) in() []int { return slices.Concat(s.learn, s.apart) }

// out are the places of all photos held out.
func (s *split) out() []int { return slices.Concat(s.held, s.choice) }

// apart leaves out photos of events of which some are held out.
func apart(photos, held dataset.Set) (left dataset.Set) {
	events := slices.Concat(held, photos).Events()
	for i, photo := range photos {
		if !slices.Contains(events[:len(held)], events[len(held)+i]) {
			left = append(left, photo)
		}
	}
	return left
}

func placesOf(set dataset.Set) (places []int) {
	for _, photo := range set {
		places = append(places, photo.Row)
	}
	return places
}

// chooseTags takes tags on enough photos, but not on all of them, the most frequent
// where there are too many.
func (s *split) chooseTags(photos int) {
	var tags []string
	for tag, count := range s.counts {
		if count >= leastOfTag && count < photos {
			tags = append(tags, tag)
		}
	}
	s.byCount(tags)
	for _, tag := range tags[:min(len(tags), bundle.MostTags)] {
		s.learnable[tag] = true
	}
}

// byCount sorts the most frequent tag first.
func (s *split) byCount(tags []string) {
	slices.SortFunc(tags, func(a, b string) int { return cmp.Or(cmp.Compare(s.counts[b], s.counts[a]), cmp.Compare(a, b)) })
}

// all are all tags, the most frequent first.
func (s *split) all() (tags []string) {
	for tag := range s.counts {
		tags = append(tags, tag)
	}
	s.byCount(tags)
	return tags
}

// vocabulary are the tags that are learned, by name.
func (s *split) vocabulary() (tags []string) {
	for tag := range s.learnable {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

// lacks says what is lacking, and for which tags.
func (s *split) lacks(set dataset.Set) *refusal {
	switch {
	case len(set) == 0:
		return refuse("no photo has a tag: give some with `vsectl tag add PHOTO TAG`, at least %d photos", leastPhotos)
	case len(set) < leastPhotos:
		return refuse("%d photos have tags, %d are the least: tag %d more%s", len(set), leastPhotos, leastPhotos-len(set), s.nearly())
	}
	if err := set.CheckTags(); err != nil {
		return refuse("%v", err)
	}
	if len(s.learnable) == 0 {
		return refuse("no tag is on %d photos or more, but not on all of them%s", leastOfTag, s.nearly())
	}
	return nil
}

// nearly names the tags that lack fewest photos.
func (s *split) nearly() string {
	var named []string
	for _, tag := range s.all() {
		if lacking := leastOfTag - s.counts[tag]; lacking > 0 && len(named) < 3 {
			named = append(named, fmt.Sprintf("%.60q lacks %d", tag, lacking))
		}
	}
	if named == nil {
		return ""
	}
	return fmt.Sprintf("; a tag is learned from %d photos on: %s", leastOfTag, strings.Join(named, ", "))
}

// ask gives the queries for single tags that are learned and on photos on both sides.
// Tags that too few of the photos held out have are asked only where there are few.
func (s *split) ask(in *input, learn dataset.Set) (queries []evaluation.Query) {
	known := map[string]bool{}
	for _, photo := range learn {
		for _, tag := range photo.Tags {
			known[tag] = true
		}
	}
	by := map[string]*evaluation.Query{}
	for i, place := range s.held {
		for _, tag := range in.photos[place].tags {
			if !s.learnable[tag] || !known[tag] {
				continue
			}
			if by[tag] == nil {
				by[tag] = &evaluation.Query{Tags: []string{tag}, Relevant: make([]bool, len(s.held))}
			}
			by[tag].Relevant[i] = true
			by[tag].Carriers++
		}
	}
	for least := evaluation.LeastCarriers; least > 0; least-- {
		queries = nil
		for _, tag := range s.vocabulary() {
			if query := by[tag]; query != nil && query.Carriers >= least && query.Carriers < len(s.held) {
				queries = append(queries, *query)
			}
		}
		if len(queries) >= wantedQueries {
			break
		}
	}
	return queries
}

// chooseBy asks the queries of the photos of choice.
func (s *split) chooseBy(in *input) (choices []evaluation.Query) {
	for _, query := range s.queries {
		query.Relevant, query.Carriers = make([]bool, len(s.choice)), 0
		for i, place := range s.choice {
			if _, has := slices.BinarySearch(in.photos[place].tags, query.Tags[0]); has {
				query.Relevant[i] = true
				query.Carriers++
			}
		}
		choices = append(choices, query)
	}
	return choices
}
