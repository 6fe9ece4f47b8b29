package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"vsed/daemon/catalogue"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/keyword"
)

// FieldLearned is the field of a match by what the encoder has learned, beside those
// of package keyword.
const FieldLearned = "learned"

// sureMatch is the confidence from which on a learned tag makes a good match.
const sureMatch = 0.5

// vocabulary are the tags that a generation's encoder has learned, by the first of the
// words that the keyword index has of them.
type vocabulary map[string][]learnedTag

type learnedTag struct {
	name  string
	stems []string
}

// A spoken tag is a learned one whose words stand in a query, one after the other.
type spoken struct {
	name string
	at   int // place of the first word
	size int // words
}

// vocabulary reads them once: those of a generation do not change.
func (g *Generation) vocabulary(words *keyword.Index) vocabulary {
	g.learned.Do(func() {
		g.tags = make(vocabulary)
		for _, name := range g.Index.space.LearnedNames() {
			if stems := words.Stems(name); len(stems) > 0 {
				g.tags[stems[0]] = append(g.tags[stems[0]], learnedTag{name, stems})
			}
		}
	})
	return g.tags
}

// spoken finds learned tags in the words of a query.
func (v vocabulary) spoken(stems []string) (found []spoken) {
	for at, stem := range stems {
		for _, tag := range v[stem] {
			if len(tag.stems) <= len(stems)-at && slices.Equal(tag.stems, stems[at:at+len(tag.stems)]) {
				found = append(found, spoken{tag.name, at, len(tag.stems)})
			}
		}
	}
	return found
}

// A learnedList is what was learned of the words of one alternative.
type learnedList struct {
	words int // of the alternative
	tags  []spokenList
}

type spokenList struct {
	spoken
	said   func(photo int64) bool // who has it by someone's word
	cut    bool                   // there are more photos than are listed
	likely map[int64]float64      // by photo
}

// learned gives the photos that have words of an alternative by what was learned, and
// pass its filter; nil where no learned tag stands in it.
func (r *ranker) learned(ctx context.Context, one prepared) (*learnedList, error) {
	if r.serving == nil || one.Text == "" || len(r.serving.Index.space.LearnedNames()) == 0 {
		return nil, nil
	}
	stems := r.words.Stems(one.Text)
	shown, err := r.shown(ctx, one)
	if err != nil {
		return nil, err
	}
	list := &learnedList{words: len(stems)}
	for _, tag := range r.serving.vocabulary(r.words).spoken(stems) {
		said := r.attributes.Tagged(tag.name)
		keep := func(photo int64) bool { return !said.Has(photo) && shown(photo) }
		found, err := r.likeliest(ctx, tag.name, one, keep)
		if err != nil {
			return nil, err
		}
		listed := spokenList{spoken: tag, said: said.Has, cut: len(found) == candidates, likely: make(map[int64]float64, len(found))}
		for _, photo := range found {
			listed.likely[photo.Photo] = photo.Confidence
		}
		list.tags = append(list.tags, listed)
	}
	if len(list.tags) == 0 {
		return nil, nil
	}
	return list, nil
}

// fewOf is the part of all photos up to which those that pass a filter are asked for one
// by one: to look through all that have a tag takes a third of the time for each.
const fewOf = 16

// likeliest gives the candidates that the encoder believes to have a tag, in the order of
// index.Compare.
func (r *ranker) likeliest(ctx context.Context, tag string, one prepared, keep func(photo int64) bool) ([]catalogue.Likely, error) {
	space := r.serving.Index.space
	if one.Filter == nil {
		return space.Likeliest(ctx, tag, candidates, keep)
	}
	most := 64 * len(one.passing.Bits()) / fewOf
	var few []int64
	for photo := range one.passing.All {
		if len(few) == most {
			return space.Likeliest(ctx, tag, candidates, keep)
		}
		few = append(few, photo)
	}
	found, err := space.Likely(ctx, tag, few)
	found = slices.DeleteFunc(found, func(photo catalogue.Likely) bool { return !keep(photo.Photo) })
	slices.SortFunc(found, func(a, b catalogue.Likely) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Photo, b.Photo))
	})
	return found[:min(len(found), candidates)], err
}

// shown tells of photos that are there and pass the filter. What was learned of one that
// is gone stays until it is forgotten, and must neither make a good match nor take the
// place of another.
func (r *ranker) shown(ctx context.Context, one prepared) (func(photo int64) bool, error) {
	if one.Filter != nil {
		return one.passing.Has, nil
	}
	if _, ready := r.attributes.Change(); !ready { // shortly after a start it knows of few
		return func(int64) bool { return true }, nil
	}
	all, err := r.attributes.Select(ctx, nil)
	return all.Has, err
}

// complete adds the photos of other lists: those that have a tag by someone's word
// have it for certain, lest what was learned outdo them; and where a list was cut off,
// what looks right and has the tag must not stand behind what only has it.
func (l *learnedList) complete(ctx context.Context, space *catalogue.Space, others ...[]index.Hit) error {
	for _, tag := range l.tags {
		var more []int64
		for _, list := range others {
			for _, hit := range list {
				if tag.said(hit.ID) {
					tag.likely[hit.ID] = 1
				} else if _, ok := tag.likely[hit.ID]; !ok && tag.cut {
					more = append(more, hit.ID)
				}
			}
		}
		if len(more) == 0 {
			continue
		}
		found, err := space.Likely(ctx, tag.name, more)
		if err != nil {
			return err
		}
		for _, photo := range found {
			tag.likely[photo.Photo] = photo.Confidence
		}
	}
	return nil
}

// hits gives the photos with the evidence that they have the alternative's words, 1
// where all are certain, in the order of index.Compare.
func (l *learnedList) hits() (hits []index.Hit) {
	if l == nil {
		return nil
	}
	words := make(map[int64][]float64)
	for _, tag := range l.tags {
		for photo, confidence := range tag.likely {
			if words[photo] == nil {
				words[photo] = make([]float64, l.words)
			}
			for at := tag.at; at < tag.at+tag.size; at++ {
				words[photo][at] = max(words[photo][at], fusion.Evidence(confidence))
			}
		}
	}
	for photo, each := range words {
		var sum float64
		for _, part := range each {
			sum += part
		}
		hits = append(hits, index.Hit{ID: photo, Score: sum / float64(l.words)})
	}
	slices.SortFunc(hits, index.Compare)
	return hits
}

// sure reports whether a photo probably has a tag of the alternative.
func (l *learnedList) sure() bool {
	return l != nil && slices.ContainsFunc(l.tags, func(tag spokenList) bool {
		for _, confidence := range tag.likely {
			if confidence >= sureMatch {
				return true
			}
		}
		return false
	})
}

// matchedLearned notes which learned tags of a text the photos have.
func (e *Engine) matchedLearned(ctx context.Context, text string, hits []Hit, places []int) error {
	serving := e.hold()
	if serving == nil {
		return nil
	}
	defer serving.queries.Done()
	stems := e.words.Stems(text)
	asked := serving.vocabulary(e.words).spoken(stems)
	if len(asked) == 0 {
		return nil
	}
	for _, i := range places {
		tags, err := serving.Index.space.Learned(ctx, hits[i].Photo.ID)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			at := slices.IndexFunc(asked, func(one spoken) bool { return one.name == tag.Name })
			if at >= 0 {
				word := strings.Join(stems[asked[at].at:asked[at].at+asked[at].size], " ")
				hits[i].Reason.Matches = append(hits[i].Reason.Matches, Match{word, FieldLearned, []string{withConfidence(tag)}})
			}
		}
	}
	return nil
}

// withConfidence is a learned tag as people read it, such as "beach (84 %)".
func withConfidence(tag catalogue.LearnedTag) string {
	percent := math.Round(100 * tag.Confidence)
	return fmt.Sprintf("%s (%.0f %%)", tag.Name, max(1, percent))
}
