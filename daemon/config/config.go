// Package config reads the daemon's configuration: one strict TOML file, then
// VSED_* variables over it. It knows which values make sense by themselves; it
// never asks the file system whether a folder exists (an offline disk is not a
// mistake in the configuration), and command line flags are not its business.
//
// Keys, with the variable that overrides each:
//
//	state                        VSED_STATE                    folder of the catalogue and the indexes
//	socket                       VSED_SOCKET                   unix socket of the API
//	folders                      VSED_FOLDERS                  photo folders, in the variable separated by ":"
//	log.level                    VSED_LOG_LEVEL                debug, info, warn or error
//	encoder.bundle               VSED_ENCODER_BUNDLE           folder of the encoder's model
//	encoder.plugin               VSED_ENCODER_PLUGIN           the encoder's program
//	encoder.onnxruntime_library  VSED_ONNXRUNTIME              libonnxruntime to load
//	encoder.timeout              VSED_ENCODER_TIMEOUT          longest time for one batch, as "2m"
//	decoder.plugin               VSED_DECODER_PLUGIN           the decoder's program
//	decoder.processes            VSED_DECODER_PROCESSES        decoders side by side; 0 is one a core
//	decoder.timeout              VSED_DECODER_TIMEOUT          longest time for one photo, as "30s"
//	decoder.max_megapixels       VSED_DECODER_MAX_MEGAPIXELS   larger photos are set aside
//	decoder.max_memory           VSED_DECODER_MAX_MEMORY       of one decoder, as "512MiB"
//	decoder.recycle_photos       VSED_DECODER_RECYCLE_PHOTOS   photos after which a decoder is replaced; 0 is never
//	decoder.recycle_memory       VSED_DECODER_RECYCLE_MEMORY   size at which a decoder is replaced, as "400MiB"; "0B" is never
//	decoder.require_sandbox      VSED_DECODER_REQUIRE_SANDBOX  whether decoding needs the whole sandbox, or goes on with what the system has
//	ingest.thumbnails            VSED_INGEST_THUMBNAILS        whether a thumbnail is kept of each photo
//	tags.write_sidecars          VSED_TAGS_WRITE_SIDECARS      whether the user's tags are written to XMP files beside the photos
//	watch.poll_interval          VSED_WATCH_POLL_INTERVAL      how often folders are looked through that cannot be watched, as "1m"
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"vsed/daemon/api"
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
	Decoder Decoder  `toml:"decoder"`
	Ingest  Ingest   `toml:"ingest"`
	Tags    Tags     `toml:"tags"`
	Watch   Watch    `toml:"watch"`
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
	Timeout            Duration `toml:"timeout"`
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

// Watch is the table [watch].
type Watch struct {
	PollInterval Duration `toml:"poll_interval"`
}

// A Duration is written as Go writes one: "30s", "1m30s".
type Duration struct{ time.Duration }

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
		State:   "/var/lib/vsed",
		Socket:  api.DefaultSocket,
		Log:     Log{Level: "info"},
		Encoder: Encoder{Timeout: Duration{2 * time.Minute}}, // a slow board takes seconds for one batch
		Decoder: Decoder{
			Timeout:       Duration{30 * time.Second},
			MaxMegapixels: 1000,
			MaxMemory:     Size{512 << 20}, // a HEIC of 48 megapixels still decodes
			RecyclePhotos: 10_000,
			RecycleMemory: Size{400 << 20},
		},
		Ingest: Ingest{Thumbnails: true},
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
	}
	if err := override(&c, env); err != nil {
		return Config{}, err
	}
	return c, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("configuration %q does not exist: write it, or run with --state, --folder and --socket instead: %w", path, os.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(document) > maxFileBytes {
		return nil, fmt.Errorf("configuration %q is larger than 1 MiB: is it the right file?", path)
	}
	return document, nil
}
