package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says, for each part of the tree, which other parts it may import
// outside of tests. What is not listed may import nothing of ours.
var mayImport = map[string][]string{
	"cli": {"daemon/api", "index/evaluate"},
	// the bench calls an encoder as the daemon does
	"cli/vsed-bench": {"daemon/api", "plugins/contract", "plugins/host"},
	"daemon":         {"index", "plugins/contract", "plugins/host", "plugins/selftest"},
	"daemon/api":     {},
	"encoders":       {"plugins/contract", "plugins/sandbox", "plugins/sdk"},
	"index":          {},
	"plugins":        {},
	// training writes ONNX files and runs them, computes features of data sets as the
	// daemon does, by bundles and plugins, reads sidecars, measures as all else does, and judges what it
	// proposes by the rule that searches merge by; it confines itself as the decoder does
	"training": {"encoders", "index/evaluate", "index/fusion", "plugins/contract", "plugins/decoder/metadata", "plugins/host", "plugins/sandbox", "plugins/sdk"},
}

// onlyIn pins the libraries that must not spread.
var onlyIn = map[string]string{
	"github.com/yalue/onnxruntime_go":              "vsed/encoders/runtime",
	"github.com/mattn/go-sqlite3":                  "vsed/daemon/catalogue",
	"github.com/fsnotify/fsnotify":                 "vsed/daemon/watch",
	"github.com/blevesearch/bleve/v2":              "vsed/index/keyword",
	"github.com/hashicorp/go-plugin":               "vsed/plugins",
	"github.com/landlock-lsm/go-landlock/landlock": "vsed/plugins/sandbox",
	"github.com/elastic/go-seccomp-bpf":            "vsed/plugins/sandbox",
	"golang.org/x/text/language/display":           "vsed/daemon/places/vsed-places",
}

type listed struct {
	ImportPath   string
	Imports      []string
	Deps         []string
	CgoPkgConfig []string
}

func list(t *testing.T, arguments ...string) (packages []listed) {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,CgoPkgConfig"}, arguments...)...)
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, said.String())
	}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var one listed
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, one)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, one := range list(t, "vsed/...") {
		from := strings.TrimPrefix(one.ImportPath, "vsed/")
		for _, path := range one.Imports {
			to, ours := strings.CutPrefix(path, "vsed/")
			if ours && !allowed(from, to) {
				t.Errorf("%s imports %s, which the layering does not allow", from, to)
			}
			for library, owner := range onlyIn {
				if path == library && one.ImportPath != owner && !strings.HasPrefix(one.ImportPath, owner+"/") {
					t.Errorf("%s imports %s: only %s may", from, library, owner)
				}
			}
		}
	}
}

// allowed applies the rule of the package itself, else that of its top folder,
// whose packages may also import each other.
func allowed(from, to string) bool {
	if rule, ok := mayImport[from]; ok {
		return within(to, append([]string{from}, rule...))
	}
	top, _, _ := strings.Cut(from, "/")
	return within(to, append([]string{top}, mayImport[top]...))
}

func within(path string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return path == part || strings.HasPrefix(path, part+"/") })
}

// The daemon must outlive a decoder's or an encoder's crash: neither library
// may be linked into it.
func TestTheDaemonLinksNoDecoderAndNoRuntime(t *testing.T) {
	for _, binary := range []string{"vsed/daemon/vsed", "vsed/cli/vsectl"} {
		for _, one := range list(t, "-deps", binary) {
			for _, library := range one.CgoPkgConfig {
				t.Errorf("%s links %s by way of %s", binary, library, one.ImportPath)
			}
			if one.ImportPath == "github.com/yalue/onnxruntime_go" {
				t.Errorf("%s links ONNX Runtime", binary)
			}
		}
	}
}
