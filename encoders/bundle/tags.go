package bundle

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/text/unicode/norm"

	"vsed/plugins/contract"
)

// MostTags is how many tags a bundle may have learned: far more than anybody uses, and
// few enough for a description of them to fit a message.
const MostTags = contract.LearnedTagsLimit

// LearnedTags reads the names of the tags that were learned, in the order of the graph's
// output; none where there are none.
func (b *Bundle) LearnedTags() ([]string, error) {
	if b.Tags == nil {
		return nil, nil
	}
	data, err := os.ReadFile(b.Path(b.Tags.Names))
	if err != nil {
		return nil, fmt.Errorf("learned tags: %w", err)
	}
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return nil, fmt.Errorf("learned tags %s: %w", b.Tags.Names, err)
	}
	if err := checkNames(names); err != nil {
		return nil, fmt.Errorf("learned tags %s: %w", b.Tags.Names, err)
	}
	return names, nil
}

func checkNames(names []string) error {
	if len(names) == 0 || len(names) > MostTags {
		return fmt.Errorf("there are %d, not 1 to %d", len(names), MostTags)
	}
	seen := map[string]bool{}
	for i, name := range names {
		if err := contract.CheckTag(name); err != nil {
			return fmt.Errorf("tag %d, %.40q: %w", i, name, err)
		}
		switch {
		case !norm.NFC.IsNormalString(name):
			return fmt.Errorf("tag %d, %.40q, is not in normal form NFC", i, name)
		case seen[name]:
			return fmt.Errorf("tag %d, %.40q, stands twice", i, name)
		}
		seen[name] = true
	}
	return nil
}

// WriteTags writes the names into a file that LearnedTags reads.
func WriteTags(path string, names []string) error {
	if err := checkNames(names); err != nil {
		return fmt.Errorf("learned tags: %w", err)
	}
	data, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
