// Package evaluation measures how well searches find what a user knows to be in
// photos. It asks a daemon of its own, on a state folder that is thrown away: what
// is measured is what `vsectl search` answers, decoders, encoder, indexes and fusion
// included, and the user's library is neither read nor changed.
package evaluation

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Set says what is in the photos of a folder.
type Set struct {
	Photos []string // paths below the folder, each once
	Labels [][]string
}

// ReadCaptions reads lines of a photo's path below the folder, a tab and a
// sentence; a photo may have several lines.
func ReadCaptions(path string) (Set, error) {
	return read(path, func(text string) []string { return []string{text} })
}

// ReadTags reads lines of a photo's path below the folder, a tab and its tags with
// commas between.
func ReadTags(path string) (Set, error) {
	return read(path, func(text string) []string { return strings.Split(text, ",") })
}

func read(path string, labels func(text string) []string) (set Set, err error) {
	file, err := os.Open(path)
	if err != nil {
		return set, err
	}
	defer file.Close()
	place := map[string]int{}
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		if lines.Text() == "" {
			continue
		}
		name, text, ok := strings.Cut(lines.Text(), "\t")
		if !ok || name == "" || filepath.IsAbs(name) {
			return set, fmt.Errorf("%s, line %d: it is no path below the folder of photos, a tab and text", path, number)
		}
		name = filepath.Clean(name)
		at, known := place[name]
		if !known {
			at = len(set.Photos)
			place[name] = at
			set.Photos, set.Labels = append(set.Photos, name), append(set.Labels, nil)
		}
		for _, label := range labels(text) {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(set.Labels[at], label) {
				set.Labels[at] = append(set.Labels[at], label)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return set, fmt.Errorf("%s: %w", path, err)
	}
	if len(set.Photos) == 0 {
		return set, fmt.Errorf("%s: it has no line", path)
	}
	return set, nil
}

// plain makes free words of a label: nothing in it is then a sign of the query
// language.
func plain(label string) string {
	words := strings.FieldsFunc(label, func(r rune) bool { return strings.ContainsRune(" \t\\\"“”„():", r) })
	for i, word := range words {
		if word = strings.TrimLeft(word, "-"); word == "OR" {
			word = "or"
		}
		words[i] = word
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}
