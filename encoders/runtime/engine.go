package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// EngineKey is all that a TensorRT engine depends on: one built under another key
// does not load, or worse, does.
type EngineKey struct {
	Model      string       `json:"model"`    // digest of the graph and its weights
	Runtime    string       `json:"runtime"`  // ONNX Runtime's version: it cuts the graph up
	TensorRT   string       `json:"tensorrt"` // version
	Driver     string       `json:"driver"`   // version, on a Jetson that of Jetson Linux
	Device     string       `json:"device"`   // the GPU's name
	Capability string       `json:"capability"`
	Precision  string       `json:"precision"` // "float32" or "float16"
	Shapes     []ShapeRange `json:"shapes"`    // in any order
}

// engines starts the names of the folders that belong to keys.
const engines = "tensorrt-"

// Folder is the name of the folder for the key's engines: equal keys have equal
// names, others other names.
func (k EngineKey) Folder() (string, error) {
	for _, field := range []struct{ name, value string }{
		{"model digest", k.Model}, {"ONNX Runtime version", k.Runtime}, {"TensorRT version", k.TensorRT}, {"driver version", k.Driver},
		{"device", k.Device}, {"compute capability", k.Capability}, {"precision", k.Precision},
	} {
		if field.value == "" {
			return "", fmt.Errorf("engines cannot be kept: the %s is not known", field.name)
		}
	}
	k.Shapes = slices.SortedFunc(slices.Values(k.Shapes), func(a, b ShapeRange) int { return strings.Compare(a.Input, b.Input) })
	text, err := json.Marshal(k)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return engines + hex.EncodeToString(digest[:16]), nil
}

// StaleEngines lists the folders of keys in a cache other than those of current
// keys, by full path; what else is in the cache is not listed. A cache that is not
// there has none.
func StaleEngines(cache string, current ...string) ([]string, error) {
	entries, err := os.ReadDir(cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("engine cache: %w", err)
	}
	var stale []string
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), engines) && !slices.Contains(current, entry.Name()) {
			stale = append(stale, filepath.Join(cache, entry.Name()))
		}
	}
	return stale, nil
}

// EngineKey is the key of a model's engines on a device of this machine, Shapes,
// Precision and the model's digest as given. What cannot be found stays "".
func (l *Library) EngineKey(model string, provider TensorRT) EngineKey {
	key := EngineKey{Model: model, Runtime: l.Version, Precision: "float32", Shapes: provider.Shapes, Driver: driverVersion("/")}
	if provider.Half {
		key.Precision = "float16"
	}
	for _, name := range tensorRTLibraries {
		if key.TensorRT = tensorRTVersion(name); key.TensorRT != "" {
			break
		}
	}
	if found, err := GPUs(); err == nil && provider.Device < len(found) {
		key.Device, key.Capability = found[provider.Device].Name, found[provider.Device].Capability
	}
	return key
}
