// Package config reads the daemon's configuration: one strict TOML file, then
// VSED_* variables over it. It knows which values make sense by themselves; it
// never asks the file system whether a folder exists (an offline disk is not a
// mistake in the configuration), and command line flags are not its business.
//
// docs/configuration.md lists the keys; a test keeps it in step with them.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"vsed/daemon/api"
	"vsed/plugins/contract"
)

// maxFileBytes bounds the file: a real one has a few hundred bytes, and a
// mistyped --config must not read a film into memory.
const maxFileBytes = 1 << 20

// A Config is everything the daemon can be told. An empty path among Encoder
// and Decoder means the daemon's own choice: beside its executable, or the
// places that the documentation of installation names.
type Config struct {
	State   string   `toml:"state"`
	Socket  string   `toml:"socket"`
	Folders []string `toml:"folders"`
	Log     Log      `toml:"log"`
	Encoder Encoder  `toml:"encoder"`
	Memory  Memory   `toml:"memory"`
	Decoder Decoder  `toml:"decoder"`
	Ingest  Ingest   `toml:"ingest"`
	Tags    Tags     `toml:"tags"`
	Learn   Learn    `toml:"learn"`
	Search  Search   `toml:"search"`
	Watch   Watch    `toml:"watch"`

	origins map[string]string // where values come from, by the name of the key
}

// Log is the table [log].
type Log struct {
	Level string `toml:"level"`
}

// Encoder is the table [encoder].
type Encoder struct {
	Bundle             string   `toml:"bundle"`
	Plugin             string   `toml:"plugin"`
	ONNXRuntimeLibrary string   `toml:"onnxruntime_library"`
	Providers          Names    `toml:"providers"` // best first; empty: what the library has
	AllowCPUFallback   bool     `toml:"allow_cpu_fallback"`
	IdleUnload         Duration `toml:"idle_unload"` // 0: never
	Keep               int      `toml:"keep_encoders"`
	Timeout            Duration `toml:"timeout"`
}

// Memory is the table [memory].
type Memory struct {
	Limit Size `toml:"limit"` // of the encoders together; 0: by the machine's
}

// Decoder is the table [decoder]. The limits hold for each process.
type Decoder struct {
	Plugin         string   `toml:"plugin"`
	Processes      int      `toml:"processes"`
	Timeout        Duration `toml:"timeout"`
	MaxMegapixels  int      `toml:"max_megapixels"` // millions of pixels
	MaxMemory      Size     `toml:"max_memory"`
	RecyclePhotos  int      `toml:"recycle_photos"` // 0: never
	RecycleMemory  Size     `toml:"recycle_memory"` // 0: never
	RequireSandbox bool     `toml:"require_sandbox"`
}

// Ingest is the table [ingest].
type Ingest struct {
	Thumbnails bool `toml:"thumbnails"`
}

// Tags is the table [tags].
type Tags struct {
	WriteSidecars bool `toml:"write_sidecars"`
}

// Learn is the table [learn].
type Learn struct {
	Auto string `toml:"auto"`
	Hour int    `toml:"hour"` // of the day, the machine's time
}

// Values of learn.auto.
const (
	LearnPropose = "propose"
	LearnOff     = "off"
)

// Search is the table [search].
type Search struct {
	Language   string `toml:"language"` // a code of keyword.Languages
	Hemisphere string `toml:"hemisphere"`
}

// Watch is the table [watch].
type Watch struct {
	PollInterval Duration `toml:"poll_interval"`
}

// Names are words that are no paths.
type Names []string

// A Duration is written as Go writes one: "30s", "1m30s".
type Duration struct{ time.Duration }

// String leaves out the units that are nought: "2m" where Go writes "2m0s".
func (d Duration) String() string {
	text := d.Duration.String()
	for _, nought := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nought) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	d.Duration = parsed
	return err
}

// Default is the configuration where nothing is said. It watches no folder:
// folders are then added through the API.
func Default() Config {
	return Config{
		State:  "/var/lib/vsed",
		Socket: api.DefaultSocket,
		Log:    Log{Level: "info"},
		Encoder: Encoder{
			IdleUnload: Duration{10 * time.Minute},
			Keep:       1,
			Timeout:    Duration{2 * time.Minute}, // a slow board takes seconds for one batch
		},
		Decoder: Decoder{
			Timeout:       Duration{30 * time.Second},
			MaxMegapixels: contract.DecoderMegapixels,
			MaxMemory:     Size{contract.DecoderMemory},
			RecyclePhotos: contract.DecoderRecyclePhotos,
			RecycleMemory: Size{contract.DecoderRecycleMemory},
		},
		Ingest: Ingest{Thumbnails: true},
		Learn:  Learn{Auto: LearnPropose, Hour: 3},
		Search: Search{Language: "en", Hemisphere: "north"},
		Watch:  Watch{PollInterval: Duration{time.Minute}},
	}
}

// Load reads the file at path over the defaults, and the VSED_* variables of
// env ("NAME=value", as os.Environ gives them) over both. Without a path only
// the variables count. The result is not yet validated: flags may follow.
//
// The error may hold several lines, each complete in itself:
// FILE:LINE: what is wrong; what would be right.
func Load(path string, env []string) (Config, error) {
	c := Default()
	if path != "" {
		document, err := readFile(path)
		if err != nil {
			return Config{}, err
		}
		if err := parse(path, document, &c); err != nil {
			return Config{}, err
		}
		attributeLines(path, document, &c)
	}
	if err := override(&c, env); err != nil {
		return Config{}, err
	}
	return c, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("configuration %q: %w: write it, or run with --state, --folder and --socket instead", path, os.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w: make it readable for the user that vsed runs as", err)
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w: name a file of TOML", err)
	}
	if len(document) > maxFileBytes {
		return nil, fmt.Errorf("configuration %q is larger than 1 MiB: is it the right file?", path)
	}
	return document, nil
}
