// Package config reads the daemon's configuration: one strict TOML file, then
// VSED_* variables over it. It knows which values make sense by themselves; it
// never asks the file system whether a folder exists (an offline disk is not a
// mistake in the configuration), and command line flags are not its business.
//
// Keys, with the variable that overrides each:
//
//	state                        VSED_STATE               folder of the catalogue and the indexes
//	socket                       VSED_SOCKET              unix socket of the API
//	folders                      VSED_FOLDERS             photo folders, in the variable separated by ":"
//	log.level                    VSED_LOG_LEVEL           debug, info, warn or error
//	encoder.bundle               VSED_ENCODER_BUNDLE      folder of the encoder's model
//	encoder.plugin               VSED_ENCODER_PLUGIN      the encoder's program
//	encoder.onnxruntime_library  VSED_ONNXRUNTIME         libonnxruntime to load
//	encoder.timeout              VSED_ENCODER_TIMEOUT     longest time for one batch, as "2m"
//	decoder.plugin               VSED_DECODER_PLUGIN      the decoder's program
//	decoder.processes            VSED_DECODER_PROCESSES   decoders side by side; 0 is one a core
//	decoder.timeout              VSED_DECODER_TIMEOUT     longest time for one photo, as "30s"
//	ingest.thumbnails            VSED_INGEST_THUMBNAILS   whether a thumbnail is kept of each photo
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

// Decoder is the table [decoder].
type Decoder struct {
	Plugin    string   `toml:"plugin"`
	Processes int      `toml:"processes"`
	Timeout   Duration `toml:"timeout"`
}

// Ingest is the table [ingest].
type Ingest struct {
	Thumbnails bool `toml:"thumbnails"`
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
		Decoder: Decoder{Timeout: Duration{30 * time.Second}},
		Ingest:  Ingest{Thumbnails: true},
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
