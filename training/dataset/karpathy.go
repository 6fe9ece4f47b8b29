package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// ReadKarpathy reads the split files of Karpathy and Fei-Fei (2015) for COCO,
// Flickr30K and Flickr8K: dataset_coco.json and its like. The names are COCO's path
// below its two folders of photos where the file has one. Row is the photo's number
// in the file: that of its row in precomputed features.
func ReadKarpathy(path string) (Set, error) { return readFile(path, parseKarpathy) }

// karpathyPhoto is what is read of an element of "images".
type karpathyPhoto struct {
	FilePath  string `json:"filepath"`
	FileName  string `json:"filename"`
	Split     string `json:"split"`
	Number    *int   `json:"imgid"`
	Sentences []struct {
		Raw    string   `json:"raw"`
		Tokens []string `json:"tokens"`
	} `json:"sentences"`
}

const karpathyRemedy = `it must be an object with a list "images" of filename, split, imgid and sentences: take it as it is handed out`

// parseKarpathy goes through the file photo by photo: COCO's has 150 MB, in one line.
func parseKarpathy(input io.Reader, file string) (Set, error) {
	decoder := json.NewDecoder(input)
	if err := enter(decoder, file); err != nil {
		return nil, err
	}
	l := &list{}
	for decoder.More() {
		number := len(l.set) + 1
		fail := func(err error) error {
			return &Error{File: file, Problem: fmt.Sprintf("image %d: %v", number, err), Remedy: karpathyRemedy}
		}
		var one karpathyPhoto
		if err := decoder.Decode(&one); err != nil {
			return nil, fail(err)
		}
		if err := l.addKarpathy(one); err != nil {
			return nil, fail(err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, &Error{File: file, Problem: fmt.Sprintf("the list of images ends early: %v", err), Remedy: "take the file anew"}
	}
	return l.of(file, "an image", checkRows(l.set, file))
}

// enter goes to the first element of "images".
func enter(decoder *json.Decoder, file string) error {
	refuse := func(problem string) error { return &Error{File: file, Problem: problem, Remedy: karpathyRemedy} }
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return refuse("it is no JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return refuse(err.Error())
		}
		if key == "images" {
			if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
				return refuse(`"images" is no list`)
			}
			return nil
		}
		var other json.RawMessage
		if err := decoder.Decode(&other); err != nil {
			return refuse(err.Error())
		}
	}
	return refuse(`it has no "images"`)
}

func (l *list) addKarpathy(one karpathyPhoto) error {
	if one.FileName == "" {
		return errors.New("it has no filename")
	}
	if !slices.Contains([]string{"train", "restval", "val", "test"}, one.Split) {
		return fmt.Errorf("its split is %.40q, which is none of train, restval, val and test", one.Split)
	}
	place, known, err := l.photo(path.Join(one.FilePath, one.FileName))
	if err != nil {
		return err
	}
	if known {
		return fmt.Errorf("the photo %.80q stands twice", one.FileName)
	}
	photo := &l.set[place]
	photo.Split = one.Split
	if one.Number != nil {
		photo.Row = *one.Number
	}
	for _, sentence := range one.Sentences {
		text := sentence.Raw
		if text == "" {
			text = strings.Join(sentence.Tokens, " ")
		}
		caption, err := cleanText("caption", text, captionLimit)
		if err != nil {
			return fmt.Errorf("photo %.80q: %w", one.FileName, err)
		}
		photo.Captions = append(photo.Captions, caption)
	}
	if len(photo.Captions) == 0 {
		return fmt.Errorf("photo %.80q has no sentence, where one is the least", one.FileName)
	}
	return nil
}

// checkRows tells whether the numbers are those of rows: 0 to n - 1, each once.
func checkRows(set Set, file string) error {
	seen := make([]bool, len(set))
	for i, photo := range set {
		if photo.Row < 0 || photo.Row >= len(set) || seen[photo.Row] {
			return &Error{File: file, Problem: fmt.Sprintf("image %d: imgid is %d, which is not a number of its own below %d", i+1, photo.Row, len(set)), Remedy: karpathyRemedy}
		}
		seen[photo.Row] = true
	}
	return nil
}
