package learn

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"

	"vsed/encoders/feature"
	"vsed/plugins/contract"
	"vsed/training/ridge"
)

const (
	mostPhotos = contract.TrainingPhotosLimit
	// mostThreads that a task may ask for.
	mostThreads = 64
	// lineLimit is far above a line of the longest and most tags.
	lineLimit = 1 << 20
)

// A photo is one of the user's, as it is learned from.
type photo struct {
	id            int64
	tags, refused []string // each once, in order
	taken         time.Time
	looks         uint64
	isNew         bool   // to an encoder that has learned
	feature       []byte // as it is stored
}

// input are the photos of a run.
type input struct {
	photos []photo
	widths []int
	width  int
	notes  []string
}

// rows are the features of some photos, for stage and ridge.
type rows struct {
	*input
	places []int
}

func (r rows) Len() int   { return len(r.places) }
func (r rows) Width() int { return r.width }
func (r rows) Row(into []float32, i int) []float32 {
	return feature.Values(into, r.photos[r.places[i]].feature, r.widths)
}

// all are the features of all photos.
func (in *input) all() rows {
	all := rows{input: in}
	for place := range in.photos {
		all.places = append(all.places, place)
	}
	return all
}

// examples are what the user said of the photos of rows, of some tags.
func (r rows) examples(learnable map[string]bool) []ridge.Example {
	only := func(tags []string) (kept []string) {
		for _, tag := range tags {
			if learnable[tag] {
				kept = append(kept, tag)
			}
		}
		return kept
	}
	examples := make([]ridge.Example, len(r.places))
	for i, place := range r.places {
		examples[i] = ridge.Example{Tags: only(r.photos[place].tags), Refused: only(r.photos[place].refused)}
	}
	return examples
}

func readTask(folder string) (task contract.TrainingTask, err error) {
	path := filepath.Join(folder, contract.TaskFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return task, fmt.Errorf("learning run: %w", err)
	}
	if err := json.Unmarshal(data, &task); err != nil {
		return task, fmt.Errorf("learning run %s: %w", path, err)
	}
	switch {
	case task.Format != contract.TrainingFormat:
		return task, fmt.Errorf("%s is of format %d, this trainer reads %d: install vsed and vsed-trainer of one version", path, task.Format, contract.TrainingFormat)
	case task.Bundle == "" || task.Name == "":
		return task, fmt.Errorf("%s names no bundle, or none to make", path)
	case task.Threads < 1 || task.Threads > mostThreads:
		return task, fmt.Errorf("%s asks for %d threads, not 1 to %d", path, task.Threads, mostThreads)
	}
	return task, nil
}

// readInput reads the photos of which anything is said, no more than mostPhotos of them,
// and their features.
func readInput(folder string, widths []int, seed uint64) (*input, error) {
	in := &input{widths: widths}
	for _, width := range widths {
		in.width += width
	}
	all, err := in.readPhotos(filepath.Join(folder, contract.PhotosFile))
	if err != nil {
		return nil, err
	}
	return in, in.readFeatures(filepath.Join(folder, contract.FeaturesFile), all, seed)
}

func (in *input) readPhotos(path string) (all []photo, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("learning run: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, lineLimit)
	seen, dropped := map[int64]bool{}, 0
	for number := 1; lines.Scan(); number++ {
		var read contract.TrainingPhoto
		if err := json.Unmarshal(lines.Bytes(), &read); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		if seen[read.Photo] {
			return nil, fmt.Errorf("%s, line %d: photo %d stands twice", path, number, read.Photo)
		}
		seen[read.Photo] = true
		one := photo{id: read.Photo, looks: read.Looks, isNew: read.New}
		one.taken, _ = time.Parse("2006-01-02T15:04:05", read.Taken) // what is no time is no time known
		var lost [2]int
		one.tags, lost[0] = cleanTags(read.Tags)
		one.refused, lost[1] = cleanTags(read.Refused)
		dropped += lost[0] + lost[1]
		one.refused = slices.DeleteFunc(one.refused, func(tag string) bool { _, has := slices.BinarySearch(one.tags, tag); return has })
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if dropped > 0 {
		in.notes = append(in.notes, fmt.Sprintf("%s left out: empty, no plain text, or longer than %d bytes", plural(dropped, "tag is", "tags are"), contract.KeywordLimit))
	}
	return all, nil
}

// cleanTags gives the tags that can be learned, sorted, each once, and counts the others.
func cleanTags(list []string) (tags []string, dropped int) {
	for _, tag := range list {
		tag = norm.NFC.String(tag)
		if contract.CheckTag(tag) != nil {
			dropped++
			continue
		}
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return slices.Compact(tags), dropped
}

// readFeatures keeps the photos of which anything is said and whose features are sound.
func (in *input) readFeatures(path string, all []photo, seed uint64) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("learning run: %w", err)
	}
	defer file.Close()
	size := int64(feature.Bytes(in.widths))
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if want := size * int64(len(all)); info.Size() != want {
		return fmt.Errorf("%s has %d bytes, the features of %d photos have %d: gather them anew", path, info.Size(), len(all), want)
	}
	damaged := 0
	for _, place := range in.choose(all, seed) {
		one := all[place]
		one.feature = make([]byte, size)
		if _, err := file.ReadAt(one.feature, size*int64(place)); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", path, err)
		}
		if feature.Check(one.feature, in.widths) != nil {
			damaged++
			continue
		}
		in.photos = append(in.photos, one)
	}
	if damaged > 0 {
		in.notes = append(in.notes, fmt.Sprintf("%s left out: what is stored of the pictures is damaged", plural(damaged, "photo is", "photos are")))
	}
	return nil
}

// choose gives the places of the photos to learn from.
func (in *input) choose(all []photo, seed uint64) (places []int) {
	for place, one := range all {
		if len(one.tags)+len(one.refused) > 0 {
			places = append(places, place)
		}
	}
	if len(places) <= mostPhotos {
		return places
	}
	in.drawn(mostPhotos, int64(len(places)))
	rand.New(rand.NewPCG(seed, 2)).Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	places = places[:mostPhotos]
	slices.Sort(places)
	return places
}

// drawn notes that there are more photos.
func (in *input) drawn(photos int, from int64) {
	in.notes = append(in.notes, fmt.Sprintf("%d of %d photos are learned from, drawn by chance: more would take more memory", photos, from))
}
