package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// maxSocketPath is what sun_path holds on Linux, less the final zero.
	maxSocketPath = 107
	// maxProcesses keeps a typing error from filling memory with decoders.
	maxProcesses = 256
	maxTimeout   = time.Hour
	// A gigapixel PNG takes five seconds; what is larger is no photo.
	maxMegapixels = 10_000
	// A decoder needs about 160 MiB for itself.
	minMemory = 256 << 20
	maxMemory = 64 << 30
	// maxPollInterval: the hourly scan would come first.
	maxPollInterval = time.Hour
)

// Validate reports what cannot work whatever the machine looks like. Each line
// of the error names a key and says what it should be.
func (c Config) Validate() error {
	return errors.Join(
		absolute("state", c.State),
		c.validateSocket(),
		c.validateFolders(),
		c.validateLevel(),
		optional("encoder.bundle", c.Encoder.Bundle),
		optional("encoder.plugin", c.Encoder.Plugin),
		optional("encoder.onnxruntime_library", c.Encoder.ONNXRuntimeLibrary),
		optional("decoder.plugin", c.Decoder.Plugin),
		c.validateProcesses(),
		validateTime("encoder.timeout", c.Encoder.Timeout, maxTimeout),
		validateTime("decoder.timeout", c.Decoder.Timeout, maxTimeout),
		c.Decoder.validateLimits(),
		validateTime("watch.poll_interval", c.Watch.PollInterval, maxPollInterval),
	)
}

func absolute(name, path string) error {
	switch {
	case path == "":
		return fmt.Errorf("%s is empty: give an absolute path", name)
	case !filepath.IsAbs(path):
		return fmt.Errorf("%s %q is not an absolute path: write it from / on", name, path)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("%s %q holds a zero byte: no path can", name, path)
	}
	return nil
}

func optional(name, path string) error {
	if path == "" {
		return nil
	}
	return absolute(name, path)
}

func (c Config) validateSocket() error {
	if err := absolute("socket", c.Socket); err != nil {
		return err
	}
	if len(c.Socket) > maxSocketPath {
		return fmt.Errorf("socket %q has %d bytes: the system takes at most %d, choose a shorter path", c.Socket, len(c.Socket), maxSocketPath)
	}
	return nil
}

func (c Config) validateFolders() error {
	var problems []error
	for i, folder := range c.Folders {
		name := fmt.Sprintf("folders[%d]", i)
		if err := absolute(name, folder); err != nil {
			problems = append(problems, err)
			continue
		}
		folder = filepath.Clean(folder)
		if slices.ContainsFunc(c.Folders[:i], func(other string) bool { return filepath.Clean(other) == folder }) {
			problems = append(problems, fmt.Errorf("%s %q is listed twice: remove one", name, folder))
		}
		if exposes(folder, c.State) {
			problems = append(problems, fmt.Errorf("state %q lies in the photo folder %q, so its thumbnails would be taken for photos: choose a folder outside", c.State, folder))
		}
	}
	return errors.Join(problems...)
}

// exposes reports whether a scan of folder would come upon state: it is inside
// and below no hidden folder, which a scan leaves out.
func exposes(folder, state string) bool {
	relative, err := filepath.Rel(folder, filepath.Clean(state))
	if err != nil {
		return false
	}
	return relative == "." || !strings.HasPrefix(relative, ".") && !strings.Contains(relative, "/.")
}

func (c Config) validateLevel() error {
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
		return nil
	}
	return fmt.Errorf("log.level %q is none of debug, info, warn, error: choose one", c.Log.Level)
}

func (c Config) validateProcesses() error {
	if n := c.Decoder.Processes; n < 0 || n > maxProcesses {
		return fmt.Errorf("decoder.processes %d is out of range: give 0 (one a core) to %d", n, maxProcesses)
	}
	return nil
}

func (d Decoder) validateLimits() error {
	var problems []error
	if n := d.MaxMegapixels; n < 1 || n > maxMegapixels {
		problems = append(problems, fmt.Errorf("decoder.max_megapixels %d is out of range: give 1 to %d", n, maxMegapixels))
	}
	if m := d.MaxMemory; m.Bytes < minMemory || m.Bytes > maxMemory {
		problems = append(problems, fmt.Errorf("decoder.max_memory %s is out of range: give %s to %s", m, Size{minMemory}, Size{maxMemory}))
	}
	if d.RecyclePhotos < 0 {
		problems = append(problems, fmt.Errorf("decoder.recycle_photos %d is negative: give a number of photos, or 0 for never", d.RecyclePhotos))
	}
	if m := d.RecycleMemory; m.Bytes != 0 && m.Bytes < minMemory {
		problems = append(problems, fmt.Errorf("decoder.recycle_memory %s is less than a decoder needs for itself: give at least %s, or \"0B\" for never", m, Size{minMemory}))
	}
	return errors.Join(problems...)
}

func validateTime(key string, t Duration, longest time.Duration) error {
	if t.Duration < time.Second || t.Duration > longest {
		return fmt.Errorf("%s %s is out of range: give 1s to %s", key, t.Duration, longest)
	}
	return nil
}
