package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"vsed/daemon/nearest"
)

// parse reads document over c. file only names it in errors.
func parse(file string, document []byte, c *Config) error {
	decoder := toml.NewDecoder(bytes.NewReader(document)).DisallowUnknownFields()
	err := decoder.Decode(c)
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		return unknownKeys(file, unknown)
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		return decodeError(file, wrong)
	}
	if err != nil {
		return bareError(file, document, err)
	}
	return nil
}

// bareError places an error that the parser gives without a line: it hands a
// bare number to Duration and Size and passes their errors on as they are. Read
// as a string, the same value is refused with its place.
func bareError(file string, document []byte, err error) error {
	var quoted struct {
		Encoder struct {
			IdleUnload string `toml:"idle_unload"`
			Timeout    string `toml:"timeout"`
		} `toml:"encoder"`
		Memory struct {
			Limit string `toml:"limit"`
		} `toml:"memory"`
		Decoder struct {
			Timeout       string `toml:"timeout"`
			MaxMemory     string `toml:"max_memory"`
			RecycleMemory string `toml:"recycle_memory"`
		} `toml:"decoder"`
		Watch struct {
			PollInterval string `toml:"poll_interval"`
		} `toml:"watch"`
	}
	var wrong *toml.DecodeError
	if errors.As(toml.Unmarshal(document, &quoted), &wrong) {
		return decodeError(file, wrong)
	}
	return fmt.Errorf("%s: %w", file, err)
}

func unknownKeys(file string, unknown *toml.StrictMissingError) error {
	var all []error
	for i := range unknown.Errors {
		line, _ := unknown.Errors[i].Position()
		name := strings.Join(unknown.Errors[i].Key(), ".")
		all = append(all, fmt.Errorf("%s:%d: unknown key %q; %s", file, line, name, remedy(name)))
	}
	return errors.Join(all...)
}

func remedy(name string) string {
	if near := nearest.Of(name, names()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known are " + strings.Join(names(), ", ")
}

// decodeError says what the key takes where the value has the wrong type, and
// what the parser says where the text is not TOML.
func decodeError(file string, wrong *toml.DecodeError) error {
	line, column := wrong.Position()
	message := strings.TrimPrefix(wrong.Error(), "toml: ")
	name := strings.Join(wrong.Key(), ".")
	switch {
	case name != "" && strings.Contains(message, "already"):
		return fmt.Errorf("%s:%d: %q is set twice; keep one", file, line, name)
	case name != "":
		return fmt.Errorf("%s:%d: %q must be %s", file, line, name, form(name))
	}
	return fmt.Errorf("%s:%d:%d: not TOML: %s", file, line, column, message)
}
