package bundle

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// schema is as much of a JSON Schema as manifest.schema.json uses.
type schema struct {
	Type                 string
	Description          string
	AdditionalProperties *bool
	Required             []string
	Properties           map[string]*schema
	Items                *schema
	Enum                 []string
	Const                *int
	MinLength, MinItems  *int
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	data, err := os.ReadFile("manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	read := &schema{}
	if err := json.Unmarshal(data, read); err != nil {
		t.Fatal(err)
	}
	return read
}

// TestSchemaAgreesWithTheType compares every field: its name, whether it may be
// left out, and its type.
func TestSchemaAgreesWithTheType(t *testing.T) {
	read := readSchema(t)
	agree(t, "manifest", read, reflect.TypeFor[Manifest]())
	if read.Properties["format"].Const == nil || *read.Properties["format"].Const != FormatVersion {
		t.Error("the schema is of another format")
	}
}

func agree(t *testing.T, path string, s *schema, kind reflect.Type) {
	t.Helper()
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if want := schemaTypes[kind.Kind()]; s == nil || s.Type != want {
		t.Errorf("%s: schema %+v, want type %s", path, s, want)
		return
	}
	switch kind.Kind() {
	case reflect.Slice:
		agree(t, path+"[]", s.Items, kind.Elem())
	case reflect.Struct:
		agreeObject(t, path, s, kind)
	}
}

var schemaTypes = map[reflect.Kind]string{
	reflect.Struct: "object", reflect.Slice: "array", reflect.String: "string", reflect.Bool: "boolean",
	reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number",
}

func agreeObject(t *testing.T, path string, s *schema, kind reflect.Type) {
	t.Helper()
	if s.AdditionalProperties == nil || *s.AdditionalProperties || s.Description == "" {
		t.Errorf("%s: the schema allows other fields or has no description", path)
	}
	var names []string
	for field := range fieldsOf(kind) {
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
		if required := slices.Contains(s.Required, name); required != (rest == "") {
			t.Errorf("%s.%s: required is %v in the schema", path, name, required)
		}
		agree(t, path+"."+name, s.Properties[name], field.Type)
	}
	slices.Sort(names)
	if found := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(found, names) {
		t.Errorf("%s: schema has %v, the type %v", path, found, names)
	}
}

func fieldsOf(kind reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range kind.NumField() {
			if !yield(kind.Field(i)) {
				return
			}
		}
	}
}

// TestSchemaAgreesWithTheChecks sets each field with a choice to each of them and
// to another, and each required text and list to none.
func TestSchemaAgreesWithTheChecks(t *testing.T) {
	fields := map[string]*schema{}
	flatten(readSchema(t), "", fields)
	choices, needed := 0, 0
	for path, s := range fields {
		for _, choice := range s.Enum {
			choices++
			_, err := Parse(changed(t, map[string]any{path: choice}))
			if err != nil && strings.HasPrefix(err.Error(), path+" ") && !strings.Contains(err.Error(), "missing") {
				t.Errorf("%s = %q, which the schema allows: %v", path, choice, err)
			}
		}
		if s.MinLength == nil && s.MinItems == nil {
			continue
		}
		needed++
		var none any = ""
		if s.MinItems != nil {
			none = []any{}
		}
		if _, err := Parse(changed(t, map[string]any{path: none})); err == nil && !optional[path] {
			t.Errorf("%s = %q, which the schema forbids, passes", path, fmt.Sprint(none))
		}
	}
	if choices < 15 || needed < 25 {
		t.Errorf("%d choices and %d needed fields were tried", choices, needed)
	}
}

// optional are fields for which an empty text is the same as none.
var optional = map[string]bool{
	"text.mask": true, "text.kinds": true, "text.tokenizer.language": true, "text.tokenizer.vocabulary": true,
	"text.tokenizer.config": true, "projection.text": true, "learning.replay": true,
}

// flatten lists a schema's fields by the paths that good.json has.
func flatten(s *schema, path string, into map[string]*schema) {
	for name, inner := range s.Properties {
		flatten(inner, strings.TrimPrefix(path+"."+name, "."), into)
	}
	if s.Type == "array" && s.Items.Properties != nil {
		flatten(s.Items, path+"[0]", into)
	}
	if path != "" {
		into[path] = s
	}
}
