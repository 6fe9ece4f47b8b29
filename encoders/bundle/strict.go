package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// decodeStrict reads one JSON value into a struct and nothing else: encoding/json
// by itself takes "Name" for "name", the last of two fields, null for anything,
// and does not say where an unknown field is.
func decodeStrict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := walk(decoder, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the closing brace")
	}
	err := json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a %s, not %s", wrong.Field, wrong.Value, wrong.Type)
	}
	return err
}

// walk reads one value and compares the names in it with the type's; whether its
// numbers and texts are where they belong is left to Unmarshal.
func walk(decoder *json.Decoder, kind reflect.Type, path string) error {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch {
	case token == nil:
		return fmt.Errorf("%s is null; leave it out", path)
	case token == json.Delim('{'):
		return walkObject(decoder, kind, path)
	case token == json.Delim('['):
		return walkList(decoder, kind, path)
	}
	return nil
}

func walkObject(decoder *json.Decoder, kind reflect.Type, path string) error {
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name := token.(string)
		inner := strings.TrimPrefix(path+"."+name, ".")
		field, known := fieldOf(kind, name)
		if !known {
			return fmt.Errorf("%s is not a field that is known", inner)
		}
		if seen[name] {
			return fmt.Errorf("%s stands twice", inner)
		}
		seen[name] = true
		if err := walk(decoder, field, inner); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

func walkList(decoder *json.Decoder, kind reflect.Type, path string) error {
	element := reflect.TypeFor[any]()
	if kind.Kind() == reflect.Slice {
		element = kind.Elem()
	}
	for i := 0; decoder.More(); i++ {
		if err := walk(decoder, element, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

// fieldOf is the type of a struct's field by its name in JSON. In what should be
// no object every name is known: Unmarshal says what is wrong with it.
func fieldOf(kind reflect.Type, name string) (reflect.Type, bool) {
	if kind.Kind() != reflect.Struct {
		return reflect.TypeFor[any](), true
	}
	for i := range kind.NumField() {
		tag, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		if tag == name {
			return kind.Field(i).Type, true
		}
	}
	return nil, false
}
