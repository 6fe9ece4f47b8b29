package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ReadCaptions reads lines of a photo's name, a tab and a caption; a photo has as
// many lines as captions.
func ReadCaptions(path string) (Set, error) { return readFile(path, parseCaptions) }

// ReadCaptioned reads captions in the form that the file's name tells: one of
// Karpathy's where it ends in .json, VSE++'s where in .txt, else as ReadCaptions does.
func ReadCaptioned(path string) (Set, error) {
	switch filepath.Ext(path) {
	case ".json":
		return ReadKarpathy(path)
	case ".txt":
		return readFile(path, parseSentences)
	}
	return ReadCaptions(path)
}

// ReadTags reads lines of a photo's name, a tab and its tags with commas between.
func ReadTags(path string) (Set, error) { return readFile(path, parseTags) }

// ReadNames reads a list of photos, a name a line.
func ReadNames(path string) ([]string, error) {
	set, err := readFile(path, parseNames)
	return set.Names(), err
}

func readFile(path string, parse func(io.Reader, string) (Set, error)) (Set, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	defer file.Close()
	return parse(file, path)
}

// A list is a set that grows line by line.
type list struct {
	set   Set
	place map[string]int
}

// photo gives the place of a photo by its name.
func (l *list) photo(name string) (place int, known bool, err error) {
	if name, err = cleanName(name); err != nil {
		return 0, false, err
	}
	if place, known = l.place[name]; !known {
		if l.place == nil {
			l.place = map[string]int{}
		}
		place = len(l.set)
		l.place[name] = place
		l.set = append(l.set, Photo{Name: name, Row: place})
	}
	return place, known, nil
}

// eachLine calls take with each line that is not empty. take's error becomes one of
// the line.
func eachLine(input io.Reader, path, remedy string, take func(line string) error) error {
	return everyLine(input, path, remedy, func(line string) error {
		if strings.TrimSpace(line) == "" {
			return nil
		}
		return take(line)
	})
}

// everyLine calls take with empty lines, too.
func everyLine(input io.Reader, path, remedy string, take func(line string) error) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, lineLimit)
	number := 0
	for lines.Scan() {
		number++
		line := lines.Text()
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if err := take(line); err != nil {
			return &Error{File: path, Line: number, Problem: err.Error(), Remedy: remedy}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &Error{File: path, Line: number + 1, Problem: "the line is longer than 1 MiB", Remedy: "is it a text file? Name another, or take the line out"}
	}
	if err := lines.Err(); err != nil {
		return &Error{File: path, Line: number + 1, Problem: err.Error(), Remedy: "is the file whole? Take it anew"}
	}
	return nil
}

func parseCaptions(input io.Reader, path string) (Set, error) {
	l := &list{}
	return l.of(path, "a caption", eachLine(input, path, "write a photo's name, a tab and a sentence, or take the line out", func(line string) error {
		name, text, ok := strings.Cut(line, "\t")
		if !ok {
			return errors.New("there is no tab between a photo's name and a caption")
		}
		place, _, err := l.photo(name)
		if err != nil {
			return err
		}
		caption, err := cleanText("caption", text, captionLimit)
		l.set[place].Captions = append(l.set[place].Captions, caption)
		return err
	}))
}

// sentencesEach is how many lines after each other are of one photo in VSE++'s files.
const sentencesEach = 5

// parseSentences reads VSE++'s train_caps.txt and its like: a caption a line, of photos
// that have numbers for names.
func parseSentences(input io.Reader, path string) (Set, error) {
	l, count := &list{}, 0
	err := everyLine(input, path, "VSE++'s form has a caption in every line, five a photo: end the name in .tsv if it is another", func(line string) error {
		place, _, err := l.photo(strconv.Itoa(count / sentencesEach))
		if err != nil {
			return err
		}
		count++
		caption, err := cleanText("caption", line, captionLimit)
		l.set[place].Captions = append(l.set[place].Captions, caption)
		return err
	})
	if err == nil && count%sentencesEach != 0 {
		err = &Error{File: path, Problem: fmt.Sprintf("there are %d captions, which is not %d a photo", count, sentencesEach), Remedy: "is a line missing? Take the file as it is handed out"}
	}
	return l.of(path, "a caption", err)
}

func parseTags(input io.Reader, path string) (Set, error) {
	l := &list{}
	return l.of(path, "a tag", eachLine(input, path, "write a photo's name, a tab and its tags with commas between, or take the line out", func(line string) error {
		name, text, ok := strings.Cut(line, "\t")
		if !ok {
			return errors.New("there is no tab between a photo's name and its tags")
		}
		place, known, err := l.photo(name)
		if err != nil {
			return err
		}
		if known {
			return fmt.Errorf("the photo %q stands twice", name)
		}
		l.set[place].Tags, err = cleanTags(strings.Split(text, ","))
		return err
	}))
}

func parseNames(input io.Reader, path string) (Set, error) {
	l := &list{}
	return l.of(path, "a name", eachLine(input, path, "write a photo's name a line, each once", func(line string) error {
		_, known, err := l.photo(strings.TrimRight(line, "\r"))
		if known {
			return fmt.Errorf("the photo %q stands twice", line)
		}
		return err
	}))
}

// of is the end of a parser: a set without photos is an error.
func (l *list) of(path, what string, err error) (Set, error) {
	if err != nil {
		return nil, err
	}
	if len(l.set) == 0 {
		return nil, &Error{File: path, Problem: "the file has no line with " + what, Remedy: "name another file"}
	}
	return l.set, nil
}

// WriteTags writes what ReadTags reads. A tag with a comma in it cannot be written.
func WriteTags(output io.Writer, set Set) error {
	writer := bufio.NewWriter(output)
	for _, photo := range set.Tagged() {
		if strings.ContainsAny(photo.Name, "\t\r\n") {
			return fmt.Errorf("the photo's name %q has a tab or a line break in it, which this form cannot hold: rename the file", photo.Name)
		}
		for _, tag := range photo.Tags {
			if strings.Contains(tag, ",") {
				return fmt.Errorf("photo %s: the tag %q has a comma in it, which this form cannot hold: rename the tag", photo.Name, tag)
			}
		}
		if _, err := fmt.Fprintf(writer, "%s\t%s\n", photo.Name, strings.Join(photo.Tags, ",")); err != nil {
			return err
		}
	}
	return writer.Flush()
}
