package encoder

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
)

// originName is a file in which an upload in a hub's layout may say where it is
// from, as its own files do not, and the language of searches.
const originName = "origin.json"

// about gives the plugin's flags for what people are told of a model. What the
// upload does not say, the plugin fills in.
func about(name, folder string) []string {
	var origin struct{ Name, Version, Licence, Source, Language string }
	if text, err := os.ReadFile(filepath.Join(folder, originName)); err == nil {
		_ = json.Unmarshal(text, &origin) // one that is wrong says nothing
	}
	return []string{
		"--name=" + cmp.Or(origin.Name, name), "--revision=" + origin.Version, "--licence=" + origin.Licence, "--source=" + origin.Source,
		"--language=" + origin.Language,
	}
}
