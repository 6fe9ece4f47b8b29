package hub

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// manifestName is that of a bundle which is complete already.
const manifestName = "manifest.json"

// required lists the files that every encoder on a hub has.
func required() []string {
	return []string{
		"config.json", "visual/model.onnx", "visual/preprocess_cfg.json",
		"textual/model.onnx", "textual/tokenizer.json", "textual/tokenizer_config.json",
	}
}

// needed reports whether an encoder needs a file: those that are required, and
// weights beside a graph, which may have any name. What other runtimes need, and
// other tokenizers, is left out.
func needed(file string) bool {
	if slices.Contains(required(), file) {
		return true
	}
	if folder := path.Dir(file); folder != "visual" && folder != "textual" {
		return false
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".onnx", ".armnn", ".rknn", ".json", ".txt", ".md", ".spm", ".model", ".engine", ".mlmodel":
		return false
	}
	return !strings.HasPrefix(path.Base(file), ".")
}

// complete fails with a *LayoutError where a required file is not among paths.
func complete(of string, paths []string) error {
	missing := slices.DeleteFunc(required(), func(file string) bool { return slices.Contains(paths, file) })
	if len(missing) == 0 {
		return nil
	}
	return &LayoutError{Of: of, Missing: missing}
}

// inside reports whether a listed path stays inside its folder, on any system.
func inside(file string) bool {
	return file != "" && filepath.IsLocal(file) && file == path.Clean(file) && !strings.ContainsAny(file, "\\\x00\n\r")
}
