// Package tomlfile reads the configurations of training runs: TOML over defaults, in
// which a key that does not exist is an error. What a key may hold is for its owner to
// check.
package tomlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Decode reads a text over what the configuration holds. Its errors name line and key.
func Decode(text []byte, configuration any) error {
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(configuration)
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		return unknownKeys(unknown)
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, _ := wrong.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return err
}

func unknownKeys(unknown *toml.StrictMissingError) error {
	var keys []string
	for i := range unknown.Errors {
		line, _ := unknown.Errors[i].Position()
		keys = append(keys, fmt.Sprintf("%s in line %d", strings.Join(unknown.Errors[i].Key(), "."), line))
	}
	return fmt.Errorf("there is no such key: %s", strings.Join(keys, ", "))
}
