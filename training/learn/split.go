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
	// mostFolded photos with tags are held out in turn, in so many folds: a quarter of
	// them would be too few to tell a gain from chance.
	mostFolded = 400
	folds      = 4
	// heldShare of more photos with tags is held out to measure.
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
	learn     []int // places of photos with tags that heads are learned from in the end
	refused   []int // places of photos without tags, of which only refusals are known
	folds     []fold
	held      sample // what is told is measured on it
	choice    sample // held out, too, to choose by; empty where few are held out
	news      []int  // photos of held, by their order in it, of events that are new to the base
}

// A fold is learned from to measure by what is held out of it. There is one, or each
// photo with tags is held out of one of them.
type fold struct {
	learn    []int // places of photos with tags
	apart    []int // and of those of which only refusals are known, of no event held out
	from, to int   // what is held out, of all that is: see split.out
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
	if s.events < 2 {
		return s, refuse("all %d photos with tags are of one event, so that none can be held out to measure: tag photos of other days", len(set))
	}
	if len(set) <= mostFolded {
		s.inTurn(set, without, seed)
	} else {
		s.once(set, without, seed)
	}
	s.news = s.newTo(in, slices.Concat(set, without))
	if s.ask(in); len(s.held.queries) == 0 {
		return s, refuse("no tag that could be learned is on photos of two events, so that nothing can be measured: give the tags to photos of other days, too")
	}
	return s, nil
}

// inTurn holds out each photo once.
func (s *split) inTurn(set, without dataset.Set, seed uint64) {
	var held dataset.Set
	var parts [][]int
	for _, part := range s.onlyLearnable(set).Folds(folds, seed) {
		from, to := len(held), len(held)+len(part)
		held = append(held, part...)
		s.folds = append(s.folds, fold{placesOf(set.Without(part.Names())), placesOf(apart(without, part)), from, to})
		parts = append(parts, numbers(from, to))
	}
	s.learn, s.held = placesOf(set), newSample(held, 0, parts)
}

// once holds out a part of the photos, and divides that where it is large.
func (s *split) once(set, without dataset.Set, seed uint64) {
	learn, out := set.HoldOut(heldShare, seed)
	held, choice := out, dataset.Set(nil)
	if len(out) >= leastChoice {
		held, choice = out.HoldOut(0.5, seed)
	}
	s.folds = []fold{{placesOf(learn), placesOf(apart(without, out)), 0, len(out)}}
	s.learn = placesOf(learn)
	s.held = newSample(held, 0, [][]int{numbers(0, len(held))})
	s.choice = newSample(choice, len(held), [][]int{numbers(0, len(choice))})
}

// onlyLearnable leaves out the tags that are not learned.
func (s *split) onlyLearnable(set dataset.Set) dataset.Set {
	set = slices.Clone(set)
	for i := range set {
		set[i].Tags = slices.DeleteFunc(slices.Clone(set[i].Tags), func(tag string) bool { return !s.learnable[tag] })
	}
	return set
}

func numbers(from, to int) (list []int) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// out are the places of all photos held out: a row of scores has one for each of them.
func (s *split) out() []int { return slices.Concat(s.held.places, s.choice.places) }

// newTo gives the photos that are measured on of whose event the base has seen none.
func (s *split) newTo(in *input, all dataset.Set) (news []int) {
	events, event, seen := all.Events(), map[int]int{}, map[int]bool{}
	for i, photo := range all {
		event[photo.Row] = events[i]
		seen[events[i]] = seen[events[i]] || !in.photos[photo.Row].isNew
	}
	for i, place := range s.held.places {
		if !seen[event[place]] {
			news = append(news, i)
		}
	}
	return news
}

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
		return refuse("%s, %d are the least: tag %d more%s", plural(len(set), "photo has tags", "photos have tags"), leastPhotos, leastPhotos-len(set), s.nearly())
	}
	if err := set.CheckTags(); err != nil {
		return refuse("%v", err)
	}
	if tags := s.all(); len(s.learnable) == 0 && s.counts[tags[0]] == len(set) {
		return refuse("%.60q is on every photo that has tags, so that nothing tells how photos without it look: tag some of other things%s", tags[0], s.nearly())
	}
	if len(s.learnable) == 0 {
		return refuse("no tag is on %d photos or more%s", leastOfTag, s.nearly())
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

// ask gives the queries for single tags that are learned and on photos on both sides of
// each fold. Tags that too few of the photos held out have are asked only where there
// are few.
func (s *split) ask(in *input) {
	var all []evaluation.Query
	unknown := s.unknown(in)
	for _, tag := range s.vocabulary() {
		if lacks, held := unknown[tag]; lacks || !held {
			continue
		}
		if query := s.held.query(in, tag); s.held.asks(query) {
			all = append(all, query)
		}
	}
	for least := evaluation.LeastCarriers; least > 0 && len(s.held.queries) < wantedQueries; least-- {
		s.held.queries = slices.DeleteFunc(slices.Clone(all), func(query evaluation.Query) bool { return query.Carriers < least })
	}
	for _, query := range s.held.queries {
		s.choice.queries = append(s.choice.queries, s.choice.query(in, query.Tags[0]))
	}
}

// unknown tells for each tag on photos held out whether some fold has none to learn it
// from.
func (s *split) unknown(in *input) map[string]bool {
	unknown, out := map[string]bool{}, s.out()
	for _, fold := range s.folds {
		known := map[string]bool{}
		for _, place := range fold.learn {
			for _, tag := range in.photos[place].tags {
				known[tag] = true
			}
		}
		for _, place := range out[fold.from:fold.to] {
			for _, tag := range in.photos[place].tags {
				unknown[tag] = unknown[tag] || !known[tag]
			}
		}
	}
	return unknown
}
