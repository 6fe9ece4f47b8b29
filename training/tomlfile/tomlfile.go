// Package tomlfile reads the configurations of training runs: TOML over defaults, in
// which a key that does not exist is an error, and a number that is none. What else a
// key may hold is for its owner to check.
package tomlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
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
		return fmt.Errorf("line %d: %s", line, plain(wrong))
	}
	if err != nil {
		return err
	}
	if key := infinite(reflect.ValueOf(configuration).Elem()); key != "" {
		return fmt.Errorf("%s is no finite number: set it to one", key)
	}
	return nil
}

// mismatch is how the library tells of a value of another type than its key's.
var mismatch = regexp.MustCompile(`cannot decode TOML (.+) into struct field .* of type ([\w.]+)$`)

// plain tells a fault without this program's types in it.
func plain(wrong *toml.DecodeError) string {
	found := mismatch.FindStringSubmatch(wrong.Error())
	if found == nil {
		return strings.TrimPrefix(wrong.Error(), "toml: ")
	}
	wanted := map[string]string{"int": "a whole number", "uint64": "a whole number from 0", "float64": "a number", "string": "a text in quotes", "bool": "true or false"}[found[2]]
	return fmt.Sprintf("%s takes %s, not this %s", strings.Join(wrong.Key(), "."), cmp.Or(wanted, "a section of its own"), found[1])
}

// infinite gives the key of a number that is not finite; empty where all are.
func infinite(section reflect.Value) string {
	for i := range section.NumField() {
		key, field := section.Type().Field(i).Tag.Get("toml"), section.Field(i)
		switch {
		case field.CanFloat() && (math.IsNaN(field.Float()) || math.IsInf(field.Float(), 0)):
			return key
		case field.Kind() == reflect.Struct:
			if found := infinite(field); found != "" {
				return strings.TrimPrefix(key+"."+found, ".") // an embedded one has no key
			}
		}
	}
	return ""
}

func unknownKeys(unknown *toml.StrictMissingError) error {
	var keys []string
	for i := range unknown.Errors {
		line, _ := unknown.Errors[i].Position()
		keys = append(keys, fmt.Sprintf("%s in line %d", strings.Join(unknown.Errors[i].Key(), "."), line))
	}
	return fmt.Errorf("there is no such key: %s", strings.Join(keys, ", "))
}
