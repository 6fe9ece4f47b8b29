package config

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Write writes every key with its value as TOML, and in a comment where the
// value comes from.
func (c Config) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	table := ""
	for _, k := range keys() {
		in, name := k.parts()
		if in != table {
			table = in
			fmt.Fprintf(out, "\n[%s]\n", table)
		}
		origin := c.origins[k.name]
		if origin == "" {
			origin = "default"
		}
		fmt.Fprintf(out, "%s = %s  # %s\n", name, literal(k.field(&c)), strings.ReplaceAll(origin, "\n", " "))
	}
	return out.Flush()
}

// literal writes the value that field points to as TOML.
func literal(field any) string {
	switch value := field.(type) {
	case *string:
		return strconv.Quote(*value)
	case *[]string:
		return list(*value)
	case *Names:
		return list(*value)
	case *int:
		return strconv.Itoa(*value)
	case *bool:
		return strconv.FormatBool(*value)
	case fmt.Stringer: // *Duration, *Size
		return strconv.Quote(value.String())
	}
	panic(fmt.Sprintf("config: a key has the type %T", field))
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
