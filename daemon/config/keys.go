package config

import (
	"encoding"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// A key is one thing that can be set: its dotted name in the file, the variable
// over it, what it is for, and its field in a Config.
type key struct {
	name, variable, about string
	field                 func(*Config) any
}

// keys lists every key, in the order of the documentation.
func keys() []key {
	return []key{
		{"state", "VSED_STATE", "folder of the catalogue and the indexes; photos must not lie in it",
			func(c *Config) any { return &c.State }},
		{"socket", "VSED_SOCKET", "unix socket of the API; its folder is made",
			func(c *Config) any { return &c.Socket }},
		{"folders", "VSED_FOLDERS", "photo folders to watch; in the variable separated by `:`",
			func(c *Config) any { return &c.Folders }},
		{"log.level", "VSED_LOG_LEVEL", "`debug`, `info`, `warn` or `error`; only `debug` names photos' paths",
			func(c *Config) any { return &c.Log.Level }},
		{"encoder.bundle", "VSED_ENCODER_BUNDLE", "folder of the encoder's model; empty: the built-in one",
			func(c *Config) any { return &c.Encoder.Bundle }},
		{"encoder.plugin", "VSED_ENCODER_PLUGIN", "the encoder's program; empty: `vsed-encoder-onnx` beside `vsed`",
			func(c *Config) any { return &c.Encoder.Plugin }},
		{"encoder.onnxruntime_library", "VSED_ONNXRUNTIME", "libonnxruntime to load; empty: the one that came with vsed, else the system's",
			func(c *Config) any { return &c.Encoder.ONNXRuntimeLibrary }},
		{"encoder.providers", "VSED_ENCODER_PROVIDERS", "what to run the encoder on, best first, of `tensorrt`, `cuda` and `cpu`; in the variable separated by `,`; empty: what the library has, in this order, and the cpu alone without a GPU",
			func(c *Config) any { return &c.Encoder.Providers }},
		{"encoder.allow_cpu_fallback", "VSED_ENCODER_ALLOW_CPU_FALLBACK", "whether the CPU may take over the part of a graph that a GPU cannot do, which is slow",
			func(c *Config) any { return &c.Encoder.AllowCPUFallback }},
		{"encoder.idle_unload", "VSED_ENCODER_IDLE_UNLOAD", "time without a photo after which what only photos need is freed, 1s to 24h; 0s: never",
			func(c *Config) any { return &c.Encoder.IdleUnload }},
		{"encoder.keep_encoders", "VSED_ENCODER_KEEP_ENCODERS", "earlier encoders whose vectors are kept for a roll-back, at most 16",
			func(c *Config) any { return &c.Encoder.Keep }},
		{"encoder.timeout", "VSED_ENCODER_TIMEOUT", "longest time for one batch of photos, 1s to 1h",
			func(c *Config) any { return &c.Encoder.Timeout }},
		{"memory.limit", "VSED_MEMORY_LIMIT", "memory of all encoders together, at least 128MiB: what needs more is refused, and two that need more take turns; 0B: three eighths of the machine's, 1.5 GB of 4",
			func(c *Config) any { return &c.Memory.Limit }},
		{"decoder.plugin", "VSED_DECODER_PLUGIN", "the decoder's program; empty: `vsed-decoder-vips` beside `vsed`",
			func(c *Config) any { return &c.Decoder.Plugin }},
		{"decoder.processes", "VSED_DECODER_PROCESSES", "decoders side by side, at most 256; 0: one a core",
			func(c *Config) any { return &c.Decoder.Processes }},
		{"decoder.timeout", "VSED_DECODER_TIMEOUT", "longest time for one photo, 1s to 1h",
			func(c *Config) any { return &c.Decoder.Timeout }},
		{"decoder.max_megapixels", "VSED_DECODER_MAX_MEGAPIXELS", "millions of pixels, at most 1073; larger photos are set aside",
			func(c *Config) any { return &c.Decoder.MaxMegapixels }},
		{"decoder.max_memory", "VSED_DECODER_MAX_MEMORY", "memory of one decoder, 256MiB to 64GiB; photos that need more are set aside",
			func(c *Config) any { return &c.Decoder.MaxMemory }},
		{"decoder.recycle_photos", "VSED_DECODER_RECYCLE_PHOTOS", "photos after which a decoder is replaced; 0: never",
			func(c *Config) any { return &c.Decoder.RecyclePhotos }},
		{"decoder.recycle_memory", "VSED_DECODER_RECYCLE_MEMORY", "memory between two photos at which a decoder is replaced; 0B: never",
			func(c *Config) any { return &c.Decoder.RecycleMemory }},
		{"decoder.require_sandbox", "VSED_DECODER_REQUIRE_SANDBOX", "whether decoding waits for the whole sandbox, or goes on with what the system has",
			func(c *Config) any { return &c.Decoder.RequireSandbox }},
		{"ingest.thumbnails", "VSED_INGEST_THUMBNAILS", "whether a thumbnail is kept of each photo",
			func(c *Config) any { return &c.Ingest.Thumbnails }},
		{"tags.write_sidecars", "VSED_TAGS_WRITE_SIDECARS", "whether your tags are written to XMP files beside the photos",
			func(c *Config) any { return &c.Tags.WriteSidecars }},
		{"learn.auto", "VSED_LEARN_AUTO", "`propose`: learn from your tags at night when there are 50 new ones, and propose the result, which changes nothing before you apply it; `off`: only when you ask",
			func(c *Config) any { return &c.Learn.Auto }},
		{"learn.hour", "VSED_LEARN_HOUR", "hour of the day in which that begins, 0 to 23, in the machine's time",
			func(c *Config) any { return &c.Learn.Hour }},
		{"search.language", "VSED_SEARCH_LANGUAGE", "language of tags and titles, whose words are compared by their stems: da, de, en, es, fi, fr, hu, it, nl, no, pt, ro, ru, sv, tr, or none for words as they are",
			func(c *Config) any { return &c.Search.Language }},
		{"search.hemisphere", "VSED_SEARCH_HEMISPHERE", "which summer `date:last-summer` means: north, or south for December to February",
			func(c *Config) any { return &c.Search.Hemisphere }},
		{"watch.poll_interval", "VSED_WATCH_POLL_INTERVAL", "how often folders are looked through that cannot be watched, 1s to 1h",
			func(c *Config) any { return &c.Watch.PollInterval }},
	}
}

// parts gives the table, "" for none, and the name within it.
func (k key) parts() (table, name string) {
	table, name, nested := strings.Cut(k.name, ".")
	if !nested {
		return "", k.name
	}
	return table, name
}

// form says what a value looks like in the file.
func (k key) form() string {
	switch k.field(&Config{}).(type) {
	case *[]string:
		return `a list of paths, as ["/photos"]`
	case *Names:
		return `a list of names, as ["cuda", "cpu"]`
	case *int:
		return `a whole number, as 4`
	case *bool:
		return `true or false`
	case *Duration:
		return `a time with its unit in quotes, as "30s"`
	case *Size:
		return `a size with its unit in quotes, as "512MiB"`
	}
	return `text in quotes`
}

// set takes the text of a variable.
func (k key) set(c *Config, text string) (err error) {
	switch field := k.field(c).(type) {
	case *string:
		*field = text
	case *[]string:
		*field = filepath.SplitList(text)
	case *Names:
		*field = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	case *int:
		*field, err = strconv.Atoi(text)
	case *bool:
		*field, err = onOff(text)
	case encoding.TextUnmarshaler:
		err = field.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("config: the key %s has the type %T", k.name, field))
	}
	return err
}

// onOff takes the words of TOML and no others, so that the file and the variable
// read alike.
func onOff(text string) (bool, error) {
	switch text {
	case "true", "false":
		return text == "true", nil
	}
	return false, errors.New("neither true nor false")
}

// names gives every name that may stand in the file, tables included.
func names() []string {
	var all []string
	last := ""
	for _, k := range keys() {
		if table, _ := k.parts(); table != last {
			last = table
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
			return k.form()
		}
	}
	return "a table, as [" + name + "]"
}
