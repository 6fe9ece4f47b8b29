package encoder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
)

// The marks in an engine's folder: it may be used, or must not be, and why. A
// folder without one holds the rest of a preparation that was broken off.
const (
	readyMark   = "ready"
	refusedMark = "refused"
)

// engines keeps a bundle's TensorRT engines, a folder for each graph, machine and
// precision. Building one takes minutes, so that only a preparation does.
type engines struct {
	bundle  *bundle.Bundle
	library *runtime.Library
	cache   string
	half    *bool    // of the engine to build; nil outside of a preparation
	missing []string // parts whose engine could be built
	used    []string // folders of the engines in use
	held    []*os.File
}

func newEngines(b *bundle.Bundle, library *runtime.Library, cache string) *engines {
	return &engines{bundle: b, library: library, cache: cache}
}

// wanted says what a preparation would build, or "".
func (e *engines) wanted() string {
	if len(e.missing) == 0 {
		return ""
	}
	return "TensorRT engines for the " + strings.Join(slices.Compact(slices.Sorted(slices.Values(e.missing))), " and ") + " graph"
}

// provider gives TensorRT with a part's engine, or the reason why it has to wait.
// In float16 before float32, where the graph is float32.
func (e *engines) provider(p part, path string) (provider runtime.TensorRT, waiting string, err error) {
	if !slices.Contains(e.library.Providers(), "tensorrt") {
		return runtime.TensorRT{}, "", nil // opening the session says what is missing, and how to get it
	}
	if e.cache == "" {
		return runtime.TensorRT{}, "tensorrt: no folder for its engines is named", nil
	}
	shapes, err := shapesOf(p, path)
	if err != nil {
		return runtime.TensorRT{}, "", err
	}
	if e.half != nil {
		provider, _, err := e.engine(p, shapes, *e.half)
		return provider, "", err
	}
	var refusals []string
	for _, half := range e.precisions() {
		provider, folder, err := e.engine(p, shapes, half)
		if err != nil {
			return runtime.TensorRT{}, "tensorrt: " + err.Error(), nil
		}
		held := hold(folder)
		ready, refusal := judged(folder)
		if ready && held != nil {
			e.held = append(e.held, held)
		} else {
			held.Close() // also of nil
		}
		switch {
		case ready:
			return provider, "", nil
		case refusal == "":
			e.missing = append(e.missing, p.name)
			return runtime.TensorRT{}, "tensorrt: its engine is not built yet", nil
		}
		refusals = append(refusals, refusal)
	}
	return runtime.TensorRT{}, "tensorrt: its engine is set aside: " + strings.Join(refusals, "; "), nil
}

// precisions are those to try, the faster first.
func (e *engines) precisions() []bool {
	if e.bundle.Precision == "float32" {
		return []bool{true, false}
	}
	return []bool{false}
}

// engine is a part's engine in a precision, and its folder.
func (e *engines) engine(p part, shapes []runtime.ShapeRange, half bool) (provider runtime.TensorRT, folder string, err error) {
	provider = runtime.TensorRT{Half: half, Shapes: shapes}
	name, err := e.library.EngineKey(e.digest(p.graph), provider).Folder()
	if err != nil {
		return provider, "", err
	}
	folder = filepath.Join(e.cache, name)
	provider.Cache, provider.Timing = folder, e.cache
	e.used = append(e.used, folder)
	return provider, folder, nil
}

// digest identifies a graph and its weights.
func (e *engines) digest(graph bundle.Graph) string {
	sum := sha256.New()
	for _, file := range append([]string{graph.File}, graph.Weights...) {
		at := slices.IndexFunc(e.bundle.Files, func(f bundle.File) bool { return f.Path == file })
		if at >= 0 {
			fmt.Fprintln(sum, e.bundle.Files[at].SHA256)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// shapesOf gives the sizes of a graph's dynamic inputs.
func shapesOf(p part, path string) ([]runtime.ShapeRange, error) {
	model, err := runtime.Inspect(path)
	if err != nil {
		return nil, err
	}
	var shapes []runtime.ShapeRange
	for _, port := range model.Inputs {
		if slices.Contains(port.Dims, -1) {
			shapes = append(shapes, p.shape(port))
		}
	}
	return shapes, nil
}

// judged reads the mark of an engine's folder: whether it may be used, or why not;
// neither where it has not been prepared to the end.
func judged(folder string) (ready bool, refusal string) {
	if reason, err := os.ReadFile(filepath.Join(folder, refusedMark)); err == nil {
		return false, string(reason)
	}
	_, err := os.Stat(filepath.Join(folder, readyMark))
	return err == nil, ""
}

// hold keeps an engine from being removed until the file is closed, or the process
// ends: it is loaded again after its graph was idle. nil: there is none, or its file
// system knows no locks.
func hold(folder string) *os.File {
	file, err := os.Open(folder)
	if err != nil {
		return nil
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_SH); err != nil { // waits while it is being removed
		file.Close()
		return nil
	}
	return file
}

// release gives up the engines that were held.
func (e *engines) release() {
	for _, file := range e.held {
		file.Close() // a folder: nothing was written
	}
	e.held = nil
}

// removeUnused removes an engine that nobody holds.
func removeUnused(folder string) error {
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	return os.RemoveAll(folder)
}

// mark ends the preparation of an engine.
func mark(folder string, refusal error) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if refusal != nil {
		return os.WriteFile(filepath.Join(folder, refusedMark), []byte(oneLine(refusal.Error())), 0o644)
	}
	err := os.Remove(filepath.Join(folder, refusedMark))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(filepath.Join(folder, readyMark), nil, 0o644)
}
