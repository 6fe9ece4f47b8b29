package joint

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Data are pictures in the form that the model takes, with what is said of them.
type Data struct {
	Pictures [][]float32
	Captions [][]int32 // numbers of their words
	Owner    []int     // for each caption the place of its picture
	Tags     [][]int   // for each picture the numbers of its tags, rising; none where it has none
	TagWords [][]int32 // for each tag the numbers of its words; one list for all data of a run
}

func (d Data) check(sizes Sizes, what string) error {
	if len(d.Owner) != len(d.Captions) || len(d.Tags) != len(d.Pictures) {
		return fmt.Errorf("%s: %d captions of %d owners, %d pictures with %d lists of tags", what, len(d.Captions), len(d.Owner), len(d.Pictures), len(d.Tags))
	}
	for i, picture := range d.Pictures {
		if len(picture) != sizes.Picture {
			return fmt.Errorf("%s: picture %d has %d values, the model takes %d", what, i, len(picture), sizes.Picture)
		}
		if tags := d.Tags[i]; !slices.IsSorted(tags) || len(tags) > 0 && (tags[0] < 0 || tags[len(tags)-1] >= len(d.TagWords)) {
			return fmt.Errorf("%s: picture %d has tags %v, of %d", what, i, tags, len(d.TagWords))
		}
	}
	for i, owner := range d.Owner {
		if owner < 0 || owner >= len(d.Pictures) {
			return fmt.Errorf("%s: caption %d is of picture %d, where there are %d", what, i, owner, len(d.Pictures))
		}
	}
	for _, words := range slices.Concat(d.Captions, d.TagWords) {
		if len(words) == 0 || slices.Min(words) < 0 || int(slices.Max(words)) >= sizes.Vocabulary {
			return fmt.Errorf("%s: a text has the words %v, of a vocabulary of %d", what, words, sizes.Vocabulary)
		}
	}
	return nil
}

// tagged are the places of the pictures that have tags.
func (d Data) tagged() (places []int) {
	for place, tags := range d.Tags {
		if len(tags) > 0 {
			places = append(places, place)
		}
	}
	return places
}

// Curriculum orders tagged pictures: those first whose tags many captioned pictures
// have, by the mean over a picture's tags; of equals the earlier.
func Curriculum(captioned, tagged Data) []int {
	counts := make([]float64, len(tagged.TagWords))
	for _, tags := range captioned.Tags {
		for _, tag := range tags {
			counts[tag]++
		}
	}
	mean := make([]float64, len(tagged.Tags))
	for place, tags := range tagged.Tags {
		for _, tag := range tags {
			mean[place] += counts[tag] / float64(len(tags))
		}
	}
	order := tagged.tagged()
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case mean[a] > mean[b]:
			return -1
		case mean[a] < mean[b]:
			return 1
		}
		return 0
	})
	return order
}

// firstPart is how much of the tagged pictures a curriculum begins with.
const firstPart = 0.25

// open is how many pictures of an order the curriculum has let in at an epoch, from 0.
func (s Settings) open(pictures, epoch int) int {
	if s.Curriculum == 0 {
		return pictures
	}
	part := firstPart + (1-firstPart)*float64(epoch)/(s.Curriculum*float64(s.Epochs))
	return min(pictures, max(min(s.Tagged, pictures), int(part*float64(pictures))))
}

// A round deals places in a drawn order, each once before any comes again.
type round struct {
	random *rand.Rand
	places []int
	left   []int
}

// next deals so many, at most one round's.
func (r *round) next(count int) []int {
	if len(r.left) < count {
		r.left = slices.Clone(r.places)
		r.random.Shuffle(len(r.left), func(i, j int) { r.left[i], r.left[j] = r.left[j], r.left[i] })
	}
	dealt := r.left[:count]
	r.left = r.left[count:]
	return dealt
}

// all are the places from 0.
func all(count int) []int {
	places := make([]int, count)
	for i := range places {
		places[i] = i
	}
	return places
}
