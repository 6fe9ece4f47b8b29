package experiment

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"vsed/training/corpus"
	"vsed/training/dataset"
	"vsed/training/joint"
	"vsed/training/words"
)

// dataSeed draws the photos with captions, of the web set, and the false tags: the same
// for every seed of the weights, so that those alone differ.
const dataSeed = 7

// photos are a set with features in the form that the model takes.
type photos struct {
	set      dataset.Set
	pictures [][]float32
}

// material is what the experiments of one data set share.
type material struct {
	captioned, web, dev photos
	texts               []string // all captions that there are, learned from or not
	standard            corpus.Standard
}

// files of the captioned photos.
func (d Data) files() corpus.Files {
	return corpus.Files{
		Captions: d.Captions, Features: d.Features, DevCaptions: d.DevCaptions, DevFeatures: d.DevFeatures,
		TestCaptions: d.TestCaptions, TestFeatures: d.TestFeatures,
	}
}

// Captions are all that an experiment reads.
func (c Config) Captions() ([]string, error) {
	learn, dev, err := c.Data.files().Learn()
	return slices.Concat(captionsOf(learn.Set), captionsOf(dev.Set)), err
}

// read reads the photos. The standard is measured on those that are captioned.
func read(c Config) (m material, err error) {
	learn, dev, err := c.Data.files().Learn()
	if err != nil {
		return m, err
	}
	m.texts = slices.Concat(captionsOf(learn.Set), captionsOf(dev.Set))
	captioned, rest := divide(learn.Set, c.Data.Captioned)
	web := learn.Of(rest)
	switch c.Web.From {
	case "none":
		web.Set = nil
	case "own":
		web.Set = captioned
	case "set":
		if web, err = corpus.Tagged(c.Web.Tags, c.Web.Features); err != nil {
			return m, err
		}
		if err := web.Set.CheckTags(); err != nil {
			return m, fmt.Errorf("%s: %w", c.Web.Tags, err)
		}
	}
	if len(web.Set) == 0 && c.Web.From != "none" {
		return m, fmt.Errorf("web.from %q leaves no photo for stage II: have data.captioned take fewer than the %d there are, or set web.from to \"none\"", c.Web.From, len(learn.Set))
	}
	web.Set, _ = divide(web.Set, max(1, int(c.Web.Part*float64(len(web.Set))+.5)))
	width := func(widths []int) (sum int) {
		for _, width := range widths[:min(c.Data.Parts, len(widths))] {
			sum += width
		}
		return sum
	}
	if m.captioned, m.standard, err = readPhotos(learn.Of(captioned), corpus.Standard{}, width); err != nil {
		return m, err
	}
	if m.dev, _, err = readPhotos(dev, m.standard, nil); err != nil || c.Web.From == "none" {
		return m, err
	}
	m.web, _, err = readPhotos(web, m.standard, nil)
	return m, err
}

func readPhotos(part corpus.Part, by corpus.Standard, width func([]int) int) (photos, corpus.Standard, error) {
	read, measured, err := part.Read(by, width)
	return photos{part.Set, read.Rows}, measured, err
}

// divide draws so many photos of a set, in its order, and gives the others; 0 draws all.
func divide(set dataset.Set, count int) (drawn, others dataset.Set) {
	if count == 0 || count >= len(set) {
		return set, nil
	}
	order := rand.New(rand.NewPCG(dataSeed, 0)).Perm(len(set))
	slices.Sort(order[:count])
	slices.Sort(order[count:])
	for _, place := range order[:count] {
		drawn = append(drawn, set[place])
	}
	for _, place := range order[count:] {
		others = append(others, set[place])
	}
	return drawn, others
}

// tagsOf gives photos' tags: pseudo tags of those with captions, by their content
// words.
func tagsOf(set dataset.Set, tagger *words.Tagger) [][]string {
	lists := make([][]string, len(set))
	for i, photo := range set {
		if lists[i] = photo.Tags; len(photo.Captions) > 0 {
			lists[i] = tagger.PseudoTags(photo.Captions)
		}
	}
	return lists
}

// spoil replaces a part of the tags by others, which are drawn as often as photos have
// them.
func spoil(lists [][]string, noise float64) [][]string {
	random := rand.New(rand.NewPCG(dataSeed, 1))
	all := slices.Concat(lists...)
	spoilt := make([][]string, len(lists))
	for i, tags := range lists {
		for _, tag := range tags {
			if random.Float64() < noise {
				tag = all[random.IntN(len(all))]
			}
			if !slices.Contains(spoilt[i], tag) {
				spoilt[i] = append(spoilt[i], tag)
			}
		}
	}
	return spoilt
}

// vocabularies are that of stage I, of the words that captions have floor times and of
// those that have a vector, and that of stage II, with the tags' words behind them.
func vocabularies(captions []string, webTags [][]string, floor int, vectors map[string][]float32) (one, two *words.Vocabulary) {
	known := map[string]bool{}
	var list []string
	add := func(more []string) {
		for _, word := range more {
			if !known[word] {
				known[word] = true
				list = append(list, word)
			}
		}
	}
	add(words.Frequent(captions, floor).Words())
	add(slices.Sorted(maps.Keys(vectors)))
	one = words.NewVocabulary(slices.Clone(list))
	var texts []string
	for _, tags := range webTags {
		texts = append(texts, strings.Join(tags, " "))
	}
	add(words.Frequent(texts, floor).Words())
	return one, words.NewVocabulary(list)
}

// lexicon numbers the tags whose words a vocabulary has.
type lexicon struct {
	vocabulary *words.Vocabulary
	tags       map[string]int
	tagWords   [][]int32
}

func newLexicon(vocabulary *words.Vocabulary, lists [][]string) lexicon {
	x := lexicon{vocabulary: vocabulary, tags: map[string]int{}}
	for _, tag := range slices.Concat(lists...) {
		if _, numbered := x.tags[tag]; numbered {
			continue
		}
		if numbers := x.tagNumbers(tag); numbers != nil {
			x.tags[tag] = len(x.tagWords)
			x.tagWords = append(x.tagWords, numbers)
		}
	}
	return x
}

// tagNumbers gives the words of a tag; none where one of them is unknown.
func (x lexicon) tagNumbers(tag string) (numbers []int32) {
	encoded := x.vocabulary.Encode(tag)
	for _, number := range encoded[1 : len(encoded)-1] { // Begin and End aside
		if number == words.Unknown {
			return nil
		}
		numbers = append(numbers, int32(number))
	}
	return numbers
}

// numbers gives the tags of a photo by their numbers, rising.
func (x lexicon) numbers(tags []string) (numbers []int) {
	for _, tag := range tags {
		if number, known := x.tags[tag]; known {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// data are photos in numbers. Captions count only where they are learned from.
func (x lexicon) data(p photos, tags [][]string, captions bool) (data joint.Data) {
	data.Pictures, data.TagWords = p.pictures, x.tagWords
	for i, photo := range p.set {
		data.Tags = append(data.Tags, x.numbers(tags[i]))
		if !captions {
			continue
		}
		for _, caption := range photo.Captions {
			data.Captions, data.Owner = append(data.Captions, x.encode(caption)), append(data.Owner, i)
		}
	}
	return data
}

func (x lexicon) encode(caption string) (numbers []int32) {
	for _, number := range x.vocabulary.Encode(caption) {
		numbers = append(numbers, int32(number))
	}
	return numbers
}

func readVectors(path string, texts ...[]string) (vectors map[string][]float32, width int, err error) {
	wanted := map[string]bool{}
	for _, text := range slices.Concat(texts...) {
		for _, token := range words.Tokens(text) {
			wanted[token] = true
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("words' vectors: %w: make them with vsed-trainer vectors, name GloVe's, or set model.vectors to nothing", err)
	}
	defer file.Close()
	vectors, width, err = words.ReadVectors(file, func(word string) bool { return wanted[word] })
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return vectors, width, err
}
