// Package runfolder writes what a training run leaves behind into a folder: its
// configuration, its curves as numbers and as a picture, and its report. A run that was
// killed and goes on finds its curves there. It knows no model: weights and checkpoints
// are files that the run itself puts beside these.
package runfolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Names of the files.
const (
	ConfigFile  = "config.json"
	CurvesFile  = "curves.json"
	PictureFile = "curves.svg"
	ReportFile  = "report.json"
)

// A Point of a curve.
type Point struct {
	At    int     `json:"at"` // epoch or step, from 1
	Value float64 `json:"value"`
}

// A Curve is a measure over a run.
type Curve struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"` // by rising At
}

// A Folder is of one run, and locked while it is open.
type Folder struct {
	path   string
	lock   *os.File
	curves []Curve
}

// Open makes the folder, or finds the one of a run with the same configuration, which
// goes on. That of another run is refused, and one in which a run is under way. The
// caller must Close it.
func Open(path string, config any) (*Folder, error) {
	written, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("run folder %s: %w", path, err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	lock, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	f := &Folder{path: path, lock: lock}
	if err := f.open(written); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) open(written []byte) error {
	switch err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return fmt.Errorf("run folder %s is in use by another run: wait until it has ended, or name another folder", f.path)
	case err != nil:
		return fmt.Errorf("run folder %s: lock it: %w", f.path, err)
	}
	found, err := os.ReadFile(f.Path(ConfigFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return f.write(ConfigFile, append(written, '\n'))
	case err != nil:
		return fmt.Errorf("run folder: %w", err)
	case !bytes.Equal(bytes.TrimSpace(found), written):
		return fmt.Errorf("run folder %s is of a run with another configuration: name another folder, or remove it", f.path)
	}
	return f.readCurves()
}

// Close lets another run have the folder.
func (f *Folder) Close() error { return f.lock.Close() }

func (f *Folder) readCurves() error {
	data, err := os.ReadFile(f.Path(CurvesFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &f.curves)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: remove the folder to begin anew", f.Path(CurvesFile), err)
	}
	return nil
}

// Path is where a file of this name belongs.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Add adds a point to the curve of a name and writes all curves. Points there at the
// same place and after it go: a run that was killed passes it once more.
func (f *Folder) Add(name string, at int, value float64) error {
	curve := f.curve(name)
	for len(curve.Points) > 0 && curve.Points[len(curve.Points)-1].At >= at {
		curve.Points = curve.Points[:len(curve.Points)-1]
	}
	curve.Points = append(curve.Points, Point{at, value})
	data, err := json.Marshal(f.curves)
	if err != nil {
		return fmt.Errorf("curve %s at %d: %w", name, at, err)
	}
	return errors.Join(f.write(CurvesFile, append(data, '\n')), f.write(PictureFile, Draw(f.curves)))
}

func (f *Folder) curve(name string) *Curve {
	for i := range f.curves {
		if f.curves[i].Name == name {
			return &f.curves[i]
		}
	}
	f.curves = append(f.curves, Curve{Name: name})
	return &f.curves[len(f.curves)-1]
}

// Report writes what the run has come to.
func (f *Folder) Report(report any) error {
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return f.write(ReportFile, append(data, '\n'))
}

// write puts a file in place of the old one when it is whole.
func (f *Folder) write(name string, data []byte) error {
	part := f.Path(name + ".part")
	err := os.WriteFile(part, data, 0o644)
	if err == nil {
		err = os.Rename(part, f.Path(name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("run folder: %w: make room for it, and run again", err), os.RemoveAll(part))
	}
	return nil
}
