package encoder

import (
	"cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// originName is a file in which an upload in a hub's layout may say where it is
// from, as its own files do not, and the language of searches.
const originName = "origin.json"

// originBytes is the longest such file: each of its words becomes a flag.
const originBytes = 16 << 10

type origin struct{ Name, Version, Licence, Source, Language string }

// readOrigin gives what an upload says; one that is wrong says nothing.
func readOrigin(folder string) (found origin) {
	file, err := os.Open(filepath.Join(folder, originName))
	if err != nil {
		return origin{}
	}
	defer file.Close()
	err = json.NewDecoder(io.LimitReader(file, originBytes)).Decode(&found)
	const none = "\x00" // no flag can have it
	if err != nil || strings.Contains(found.Name+found.Version+found.Licence+found.Source+found.Language, none) {
		return origin{}
	}
	return found
}

// about gives the plugin's flags for what people are told of a model. What the
// upload does not say, the plugin fills in.
func about(name, folder string) []string {
	found := readOrigin(folder)
	return []string{
		"--name=" + cmp.Or(found.Name, name), "--revision=" + found.Version, "--licence=" + found.Licence, "--source=" + found.Source,
		"--language=" + found.Language,
	}
}
