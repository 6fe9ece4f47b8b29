// Package runtime runs ONNX models. It is the only package that knows
// ONNX Runtime, whose state is one for the whole process: everything that is
// loaded, configured and cancelled there goes through here. It knows nothing of
// pictures, sentences or bundles.
package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// MinimumVersion is the oldest ONNX Runtime whose C interface (API version 23)
// the Go binding can use.
const MinimumVersion = "1.23"

// Environment names the variable that overrides where the library is looked for.
const Environment = "VSED_ONNXRUNTIME"

// silence is what keeps ONNX Runtime to itself: without it, official builds from 1.29 on
// send to Microsoft which models are run on which machine, and keep in the user's
// cache what they could not send. The library looks for it when it is initialised,
// and a call to turn that off comes too late for its first events.
const silence = "ORT_DISABLE_TELEMETRY"

// SetupError says that the library cannot be used on this machine as it is, in
// one line that names the remedy.
type SetupError struct{ Reason string }

func (e *SetupError) Error() string { return e.Reason }

// Library is ONNX Runtime, loaded.
type Library struct {
	// Path is what was given to the system's loader.
	Path string
	// Version is the library's own, such as "1.30.0".
	Version string

	api       api
	providers []string
}

// APIVersion is the newest C interface that the library offers: 30 for 1.30.0.
// Every version offers the older ones too.
func (l *Library) APIVersion() int {
	_, rest, _ := strings.Cut(l.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	version, _ := strconv.Atoi(minor)
	return version
}

// Providers names what the library was built with: "tensorrt", "cuda", "cpu", or
// ONNX Runtime's own name of another. That a provider is built in says nothing of
// whether its own libraries and a device are there.
func (l *Library) Providers() []string { return slices.Clone(l.providers) }

// process guards what ONNX Runtime and its binding keep once a process.
var process struct {
	sync.Mutex
	loaded *Library
}

// Candidates lists where the library is looked for, best first: a path that the
// user named stands alone; otherwise beside the executable (build/lib of a
// source tree), where a package puts it, and last wherever the system's loader
// finds it.
func Candidates(named, executable string) []string {
	if named != "" {
		return []string{named}
	}
	tree := filepath.Join(filepath.Dir(executable), "..", "build", "lib", "libonnxruntime.so.1")
	return []string{tree, "/usr/lib/vsed/libonnxruntime.so.1", "libonnxruntime.so.1", "libonnxruntime.so"}
}

// Load loads the first candidate that works, once a process: a second call
// returns the library that is loaded already. A candidate without a slash is
// left to the system's loader. The error is a *SetupError.
func Load(candidates []string) (*Library, error) {
	process.Lock()
	defer process.Unlock()
	if process.loaded != nil {
		return process.loaded, nil
	}
	if err := os.Setenv(silence, "1"); err != nil {
		return nil, &SetupError{oneLine(err)}
	}
	var problems []string
	for _, path := range candidates {
		if problem := initialise(path); problem != "" {
			problems = append(problems, problem)
			continue
		}
		library, err := describe(path)
		if err != nil {
			return nil, &SetupError{oneLine(err)}
		}
		process.loaded = library
		return library, nil
	}
	return nil, &SetupError{fmt.Sprintf("libonnxruntime %s or newer is needed: %s; run `make model`, or install ONNX Runtime and name its library with --library or %s",
		MinimumVersion, strings.Join(problems, ", "), Environment)}
}

// initialise loads one candidate, or says in a few words why it will not do.
func initialise(path string) string {
	if strings.Contains(path, "/") {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return path + " does not exist"
		}
	}
	ort.SetSharedLibraryPath(path)
	err := ort.InitializeEnvironment(ort.WithLogLevelError())
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "setting ORT API base"):
		return path + " is too old"
	case strings.Contains(err.Error(), "cannot open shared object file"):
		return path + " was not found"
	case strings.Contains(err.Error(), "OrtGetApiBase"):
		return path + " is not ONNX Runtime"
	}
	return path + " cannot be loaded (" + oneLine(err) + ")"
}

func describe(path string) (*Library, error) {
	library := &Library{Path: path, Version: ort.GetVersion()}
	var err error
	if library.api, err = openAPI(path); err != nil {
		return nil, err
	}
	names, err := library.api.providers()
	for _, name := range names {
		library.providers = append(library.providers, shortName(name))
	}
	return library, err
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
