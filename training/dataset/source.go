package dataset

import "fmt"

// A Source says in which form a set lies, and where.
type Source struct {
	Form   string // "captions", "tags", "karpathy" or "folder"
	Labels string // the file with captions or tags; not for "folder"
	Photos string // the folder of the photos
	Only   string // a file with the names of the photos to take; empty: all
}

// Forms are those that Source.Form may have.
func Forms() []string { return []string{"captions", "tags", "karpathy", "folder"} }

// Load reads the set.
func (s Source) Load() (Set, error) {
	set, err := s.load()
	if err != nil || s.Only == "" {
		return set, err
	}
	names, err := ReadNames(s.Only)
	if err != nil {
		return nil, err
	}
	if set, err = set.Only(names); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Only, err)
	}
	return set, nil
}

func (s Source) load() (Set, error) {
	switch s.Form {
	case "captions":
		return ReadCaptions(s.Labels)
	case "tags":
		return ReadTags(s.Labels)
	case "karpathy":
		return ReadKarpathy(s.Labels)
	case "folder":
		return ReadFolder(s.Photos)
	}
	return nil, fmt.Errorf("the form %q of a data set is none of %v", s.Form, Forms())
}
