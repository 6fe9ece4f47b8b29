package encoder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"vsed/plugins/host"
)

// Default is the name of the encoder that serves where nobody chose another.
const Default = "builtin"

// An Installed is an encoder that can be started.
type Installed struct {
	Name    string
	Command host.Command
	Folder  string // of its bundle; "" where the plugin brings a model of its own
	Cache   string // folder of what a preparation made; absent before one
	Fixed   bool   // comes with vsed or with the configuration: not removed by hand
}

// A Shelf knows the encoders that are installed.
type Shelf struct {
	// Folder holds a bundle a folder, each named as its encoder.
	Folder string
	// Default is the encoder named Default.
	Default Installed
	// Kept is a folder for a copy of the default's bundle; "": none is kept.
	Kept string
	// Caches holds a folder an encoder with what its preparation made.
	Caches string
	// Command starts the bundle in a folder. What a preparation makes is in cache.
	Command func(bundle, cache string) host.Command
}

// installed is the encoder of a name whose bundle is in folder.
func (s *Shelf) installed(name, folder string) Installed {
	cache := s.cache(name)
	return Installed{Name: name, Folder: folder, Cache: cache, Command: s.Command(folder, cache)}
}

func (s *Shelf) cache(name string) string { return filepath.Join(s.Caches, name) }

// An UnknownError refuses a name that no installed encoder has.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no encoder %q is installed: there are %s; `vsectl encoder pull` installs others", e.Name, strings.Join(e.Known, ", "))
}

// encoderName also keeps what a person types apart from paths and flags.
var encoderName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// List gives the installed encoders, the default first, then by name.
func (s *Shelf) List() ([]Installed, error) {
	entries, err := os.ReadDir(s.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the installed encoders: %w", err)
	}
	installed := []Installed{s.Default}
	for _, entry := range entries {
		if entry.IsDir() && encoderName.MatchString(entry.Name()) && entry.Name() != Default {
			installed = append(installed, s.installed(entry.Name(), filepath.Join(s.Folder, entry.Name())))
		}
	}
	return installed, nil
}

// Find gives an installed encoder, or an *UnknownError.
func (s *Shelf) Find(name string) (Installed, error) {
	installed, err := s.List()
	if err != nil {
		return Installed{}, err
	}
	at := slices.IndexFunc(installed, func(one Installed) bool { return one.Name == name })
	if at >= 0 {
		return installed[at], nil
	}
	unknown := &UnknownError{Name: name}
	for _, one := range installed {
		unknown.Known = append(unknown.Known, one.Name)
	}
	return Installed{}, unknown
}

// remove deletes an installed bundle and what was prepared for it.
func (s *Shelf) remove(installed Installed) error {
	if err := errors.Join(os.RemoveAll(installed.Folder), os.RemoveAll(installed.Cache)); err != nil {
		return fmt.Errorf("delete the encoder %s: %w", installed.Name, err)
	}
	return nil
}
