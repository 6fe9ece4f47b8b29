package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vsed/plugins/contract"

	"vsed/index/keyword"
)

const (
	// maxSocketPath is what sun_path holds on Linux, less the final zero.
	maxSocketPath = 107
	// maxProcesses keeps a typing error from filling memory with decoders.
	maxProcesses = 256
	maxTimeout   = time.Hour
	// A decoder needs about 160 MiB for itself.
	minMemory = 256 << 20
	maxMemory = 64 << 30
	// The built-in encoder takes about this.
	minEncoders = 128 << 20
	maxKept     = 16
	maxIdle     = 24 * time.Hour
	// maxPollInterval: the hourly scan would come first.
	maxPollInterval = time.Hour
)

// Validate reports what cannot work whatever the machine looks like. Each line
// of the error names a key, where its value stands, and what it should be.
func (c Config) Validate() error {
	return errors.Join(
		c.absolute("state", "state", c.State),
		c.validateSocket(),
		c.validateFolders(),
		c.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"),
		c.optional("encoder.bundle", c.Encoder.Bundle),
		c.optional("encoder.plugin", c.Encoder.Plugin),
		c.optional("encoder.onnxruntime_library", c.Encoder.ONNXRuntimeLibrary),
		c.optional("decoder.plugin", c.Decoder.Plugin),
		c.validateProcesses(),
		c.validateEncoder(),
		c.validateTime("encoder.timeout", c.Encoder.Timeout, maxTimeout),
		c.validateTime("decoder.timeout", c.Decoder.Timeout, maxTimeout),
		c.validateLimits(),
		c.validateLearn(),
		c.oneOf("search.language", c.Search.Language, keyword.Languages()...),
		c.oneOf("search.hemisphere", c.Search.Hemisphere, "north", "south"),
		c.validateTime("watch.poll_interval", c.Watch.PollInterval, maxPollInterval),
	)
}

// absolute checks the path of a key; name is that of the key, or of an element
// of its list.
func (c Config) absolute(key, name, path string) error {
	switch {
	case path == "":
		return c.Fault(key, "%s is empty: give an absolute path", name)
	case !filepath.IsAbs(path):
		return c.Fault(key, "%s %q is not an absolute path: write it from / on", name, path)
	case strings.ContainsRune(path, 0):
		return c.Fault(key, "%s %q holds a zero byte: no path can", name, path)
	}
	return nil
}

func (c Config) optional(name, path string) error {
	if path == "" {
		return nil
	}
	return c.absolute(name, name, path)
}

func (c Config) validateSocket() error {
	if err := c.absolute("socket", "socket", c.Socket); err != nil {
		return err
	}
	if len(c.Socket) > maxSocketPath {
		return c.Fault("socket", "socket %q has %d bytes: the system takes at most %d, choose a shorter path", c.Socket, len(c.Socket), maxSocketPath)
	}
	return nil
}

func (c Config) validateFolders() error {
	var problems []error
	for i, folder := range c.Folders {
		name := fmt.Sprintf("folders[%d]", i)
		if err := c.absolute("folders", name, folder); err != nil {
			problems = append(problems, err)
			continue
		}
		folder = filepath.Clean(folder)
		if slices.ContainsFunc(c.Folders[:i], func(other string) bool { return filepath.Clean(other) == folder }) {
			problems = append(problems, c.Fault("folders", "%s %q is listed twice: remove one", name, folder))
		}
		state := filepath.Clean(c.State)
		switch {
		case holds(folder, state):
			problems = append(problems, c.Fault("state", "state %q lies in the photo folder %q, so its thumbnails would be taken for photos: choose a folder outside", c.State, folder))
		case holds(state, folder):
			problems = append(problems, c.Fault("folders", "%s %q lies in the state folder %q, which is for vsed's own files: choose a folder outside", name, folder, c.State))
		}
	}
	return errors.Join(problems...)
}

// holds reports whether the path is the folder or lies in it.
func holds(folder, path string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

func (c Config) oneOf(key, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return c.Fault(key, "%s %q is none of %s: choose one", key, value, strings.Join(values, ", "))
}

func (c Config) validateProcesses() error {
	if n := c.Decoder.Processes; n < 0 || n > maxProcesses {
		return c.Fault("decoder.processes", "decoder.processes %d is out of range: give 0 (one a core) to %d", n, maxProcesses)
	}
	return nil
}

func (c Config) validateLearn() error {
	err := c.oneOf("learn.auto", c.Learn.Auto, LearnPropose, LearnOff)
	if hour := c.Learn.Hour; hour < 0 || hour > 23 {
		err = errors.Join(err, c.Fault("learn.hour", "learn.hour %d is out of range: give 0 to 23", hour))
	}
	return err
}

func (c Config) validateEncoder() error {
	var problems []error
	e := c.Encoder
	for i, name := range e.Providers {
		if !slices.Contains([]string{"tensorrt", "cuda", "cpu"}, name) {
			problems = append(problems, c.Fault("encoder.providers", "encoder.providers[%d] %q is none of tensorrt, cuda, cpu: choose among them", i, name))
		} else if slices.Contains(e.Providers[:i], name) {
			problems = append(problems, c.Fault("encoder.providers", "encoder.providers[%d] %q is listed twice: remove one", i, name))
		}
	}
	if e.IdleUnload.Duration != 0 {
		problems = append(problems, c.validateTime("encoder.idle_unload", e.IdleUnload, maxIdle))
	}
	if n := e.Keep; n < 0 || n > maxKept {
		problems = append(problems, c.Fault("encoder.keep_encoders", "encoder.keep_encoders %d is out of range: give 0 to %d", n, maxKept))
	}
	if m := c.Memory.Limit; m.Bytes != 0 && m.Bytes < minEncoders {
		problems = append(problems, c.Fault("memory.limit", "memory.limit %s is less than any encoder takes: give at least %s, or \"0B\" to go by the machine's memory", m, Size{minEncoders}))
	}
	return errors.Join(problems...)
}

func (c Config) validateLimits() error {
	var problems []error
	d := c.Decoder
	if n := d.MaxMegapixels; n < 1 || n > contract.MostMegapixels {
		problems = append(problems, c.Fault("decoder.max_megapixels", "decoder.max_megapixels %d is out of range: give 1 to %d", n, contract.MostMegapixels))
	}
	if m := d.MaxMemory; m.Bytes < minMemory || m.Bytes > maxMemory {
		problems = append(problems, c.Fault("decoder.max_memory", "decoder.max_memory %s is out of range: give %s to %s", m, Size{minMemory}, Size{maxMemory}))
	}
	if d.RecyclePhotos < 0 {
		problems = append(problems, c.Fault("decoder.recycle_photos", "decoder.recycle_photos %d is negative: give a number of photos, or 0 for never", d.RecyclePhotos))
	}
	if m := d.RecycleMemory; m.Bytes != 0 && m.Bytes < minMemory {
		problems = append(problems, c.Fault("decoder.recycle_memory", "decoder.recycle_memory %s is less than a decoder needs for itself: give at least %s, or \"0B\" for never", m, Size{minMemory}))
	}
	return errors.Join(problems...)
}

func (c Config) validateTime(key string, t Duration, longest time.Duration) error {
	if t.Duration < time.Second || t.Duration > longest {
		return c.Fault(key, "%s %s is out of range: give 1s to %s", key, t, Duration{longest})
	}
	return nil
}
