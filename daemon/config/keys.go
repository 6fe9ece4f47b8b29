package config

import (
	"encoding"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
)

// A key is one thing that can be set: its dotted name in the file, the variable
// over it, what a value looks like, and how the variable's text is taken.
type key struct {
	name, variable, form string
	set                  func(c *Config, text string) error
}

const (
	textForm     = `text in quotes`
	pathForm     = `a path in quotes`
	listForm     = `a list of paths, as ["/photos"]`
	numberForm   = `a whole number, as 4`
	switchForm   = `true or false`
	durationForm = `a time with its unit in quotes, as "30s"`
	sizeForm     = `a size with its unit in quotes, as "512MiB"`
)

// keys lists every key, in the order of the package's documentation.
func keys() []key {
	return []key{
		{"state", "VSED_STATE", pathForm, text(func(c *Config) *string { return &c.State })},
		{"socket", "VSED_SOCKET", pathForm, text(func(c *Config) *string { return &c.Socket })},
		{"folders", "VSED_FOLDERS", listForm, func(c *Config, s string) error {
			c.Folders = filepath.SplitList(s)
			return nil
		}},
		{"log.level", "VSED_LOG_LEVEL", textForm, text(func(c *Config) *string { return &c.Log.Level })},
		{"encoder.bundle", "VSED_ENCODER_BUNDLE", pathForm, text(func(c *Config) *string { return &c.Encoder.Bundle })},
		{"encoder.plugin", "VSED_ENCODER_PLUGIN", pathForm, text(func(c *Config) *string { return &c.Encoder.Plugin })},
		{"encoder.onnxruntime_library", "VSED_ONNXRUNTIME", pathForm, text(func(c *Config) *string { return &c.Encoder.ONNXRuntimeLibrary })},
		{"encoder.timeout", "VSED_ENCODER_TIMEOUT", durationForm, own(func(c *Config) encoding.TextUnmarshaler { return &c.Encoder.Timeout })},
		{"decoder.plugin", "VSED_DECODER_PLUGIN", pathForm, text(func(c *Config) *string { return &c.Decoder.Plugin })},
		{"decoder.processes", "VSED_DECODER_PROCESSES", numberForm, number(func(c *Config) *int { return &c.Decoder.Processes })},
		{"decoder.timeout", "VSED_DECODER_TIMEOUT", durationForm, own(func(c *Config) encoding.TextUnmarshaler { return &c.Decoder.Timeout })},
		{"decoder.max_megapixels", "VSED_DECODER_MAX_MEGAPIXELS", numberForm, number(func(c *Config) *int { return &c.Decoder.MaxMegapixels })},
		{"decoder.max_memory", "VSED_DECODER_MAX_MEMORY", sizeForm, own(func(c *Config) encoding.TextUnmarshaler { return &c.Decoder.MaxMemory })},
		{"decoder.recycle_photos", "VSED_DECODER_RECYCLE_PHOTOS", numberForm, number(func(c *Config) *int { return &c.Decoder.RecyclePhotos })},
		{"decoder.recycle_memory", "VSED_DECODER_RECYCLE_MEMORY", sizeForm, own(func(c *Config) encoding.TextUnmarshaler { return &c.Decoder.RecycleMemory })},
		{"decoder.require_sandbox", "VSED_DECODER_REQUIRE_SANDBOX", switchForm, onOff(func(c *Config) *bool { return &c.Decoder.RequireSandbox })},
		{"ingest.thumbnails", "VSED_INGEST_THUMBNAILS", switchForm, onOff(func(c *Config) *bool { return &c.Ingest.Thumbnails })},
		{"tags.write_sidecars", "VSED_TAGS_WRITE_SIDECARS", switchForm, onOff(func(c *Config) *bool { return &c.Tags.WriteSidecars })},
		{"watch.poll_interval", "VSED_WATCH_POLL_INTERVAL", durationForm, own(func(c *Config) encoding.TextUnmarshaler { return &c.Watch.PollInterval })},
	}
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, s string) error {
		*field(c) = s
		return nil
	}
}

func number(field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, s string) (err error) {
		*field(c), err = strconv.Atoi(s)
		return err
	}
}

// own is for a type that reads its text itself.
func own(field func(*Config) encoding.TextUnmarshaler) func(*Config, string) error {
	return func(c *Config, s string) error { return field(c).UnmarshalText([]byte(s)) }
}

// onOff takes the words of TOML and no others, so that the file and the variable
// read alike.
func onOff(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, s string) error {
		switch s {
		case "true", "false":
			*field(c) = s == "true"
			return nil
		}
		return errors.New("neither true nor false")
	}
}

// names gives every name that may stand in the file, tables included.
func names() []string {
	var all []string
	tables := map[string]bool{}
	for _, k := range keys() {
		if table, _, nested := strings.Cut(k.name, "."); nested && !tables[table] {
			tables[table] = true
			all = append(all, table)
		}
		all = append(all, k.name)
	}
	return all
}

// form says what a value of the named key looks like.
func form(name string) string {
	for _, k := range keys() {
		if strings.EqualFold(k.name, name) {
			return k.form
		}
	}
	return "a table, as [" + name + "]"
}
